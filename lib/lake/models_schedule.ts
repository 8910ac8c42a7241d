/** One turn of the schedule: models refreshed, checks run when they are due, and what came of it told in lines and numbers. */
import type { Clock } from "../clock.ts";
import { DELIVERIES } from "../alert/delivery.ts";
import { Fault, messageOf } from "../errors.ts";
import type { LogLine } from "../observe/log_line.ts";
import type { Metrics } from "../observe/metrics.ts";
import { readModelFolder } from "./model_folder.ts";
import { type ModelOutcome, runModels } from "./models.ts";
import { Compactor } from "./compactor.ts";
import { QUALITY_RESULTS, type QualityContext, runChecks } from "./quality.ts";

/** Checks look at days: they need not be run as often as models, and read far more. */
const CHECKS_EVERY_MS = 10 * 60_000;
/** Models leave a start this much time. */
const FIRST_AFTER_MS = 20_000;

export interface ScheduleContext extends QualityContext {
  line: LogLine;
  metrics: Metrics;
  clock: Clock;
}

/** Takes a turn each `every_ms` until the stop. What fails is told and tried again with the next. */
export async function keepModels(
  context: ScheduleContext,
  { every_ms, signal }: { every_ms: number; signal: AbortSignal },
): Promise<void> {
  const turn = modelsSchedule(context);
  for (let pause_ms = Math.min(every_ms, FIRST_AFTER_MS);; pause_ms = every_ms) {
    await context.clock.sleep(pause_ms, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await turn(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Fault)) throw error;
      context.line.error("making the models failed; trying again", { reason: messageOf(error) });
    }
  }
}

/** A function that takes one turn. The folder is read with each, so that an edited model needs no restart. */
export function modelsSchedule(context: ScheduleContext): (signal: AbortSignal) => Promise<void> {
  let checked_at = -Infinity;
  return async (signal) => {
    const { models, checks } = await readModelFolder();
    for (const outcome of await runModels(context, models, { signal })) tell(outcome, context);
    if (context.clock.now() - checked_at < CHECKS_EVERY_MS) return;
    const { results, broken } = await runChecks(context, checks, { now: context.clock.now(), signal });
    checked_at = context.clock.now();
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
