/** One turn of the schedule: models refreshed, checks run when they are due, and what came of it told in lines and numbers. */
import { DELIVERIES } from "../alert/delivery.ts";
import { elapsedMs } from "../clock.ts";
import type { LogLine } from "../observe/log_line.ts";
import type { Metrics } from "../observe/metrics.ts";
import { readModelFolder } from "./model_folder.ts";
import { type ModelOutcome, runModels } from "./models.ts";
import { Compactor } from "./compactor.ts";
import { QUALITY_RESULTS, type QualityContext, runChecks } from "./quality.ts";

/** Checks look at days: they need not be run as often as models, and read far more. */
const CHECKS_EVERY_MS = 10 * 60_000;
/** While nothing changes: their results are rows too, and an idle lake shall not grow. */
const IDLE_CHECKS_EVERY_MS = 24 * 60 * 60_000;

export interface ScheduleContext extends QualityContext {
  line: LogLine;
  metrics: Metrics;
  now: () => number;
}

/** A function that takes one turn. The folder is read with each, so that an edited model needs no restart. */
export function modelsSchedule(context: ScheduleContext): (signal: AbortSignal) => Promise<void> {
  let checked_at = -Infinity;
  let changed = true;
  const raised = new Set<string>();
  return async (signal) => {
    const { models, checks } = await readModelFolder();
    for (const outcome of await runModels(context, models, { signal })) {
      changed ||= outcome.state === "made";
      tell(outcome, context);
    }
    const every_ms = changed ? CHECKS_EVERY_MS : IDLE_CHECKS_EVERY_MS;
    if (elapsedMs(checked_at, context.now()) < every_ms) return;
    changed = false;
    const { results, broken } = await runChecks(context, checks, { now: context.now(), raised, signal });
    checked_at = context.now();
    for (const { check, subject, description } of results.filter(({ failed }) => failed)) {
      context.metrics.counter("quality_failures_total", { check }).add();
      context.line.warn("a check of data quality fails", { check, subject, description });
    }
    const compactor = new Compactor(context);
    for (const spec of [QUALITY_RESULTS, DELIVERIES]) await compactor.compact(spec, { signal });
    for (const { check, reason } of broken) context.line.error("a check cannot run", { check, reason });
  };
}

function tell(outcome: ModelOutcome, { line, metrics }: ScheduleContext): void {
  const { model } = outcome;
  metrics.counter("models_total", { model, state: outcome.state }).add();
  if (outcome.state === "failed") line.error("the model stays as it was", { model, reason: outcome.reason });
  if (outcome.state === "made") line.debug("made", { model, rows: outcome.rows, ranges: outcome.ranges });
}
