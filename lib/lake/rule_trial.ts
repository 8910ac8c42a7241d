/**
 * What rules would have raised over the last hours: the raw events of that time, judged and run through a stream of
 * their own that has these rules and nothing else. History before the first hour is not known to it.
 */
import { setImmediate } from "node:timers/promises";
import { addCount } from "../counts_by_name.ts";
import type { ControlFile } from "../configuration.ts";
import { PartitionState } from "../checkpoint/state.ts";
import type { ColumnChange } from "../event/column_change.ts";
import { type RowShape, rowShape } from "../event/evolved_row.ts";
import type { Judge } from "../event/judge.ts";
import type { MutableRow } from "../event/kind.ts";
import type { Kinds } from "../event/kinds.ts";
import { timestampCell } from "../event/timestamp.ts";
import { createPipeline, type Pipeline } from "../stream/pipeline.ts";
import type { TimeSettings } from "../stream/watermark.ts";

export interface TrialOutcome {
  hours: number;
  events: number;
  alerts: number;
  by_rule: Record<string, number>;
  /** Whether there were more events than a trial looks at; then the latest were. */
  truncated: boolean;
}

export interface TrialContext {
  judge: Judge;
  kinds: Kinds;
  /** By kind, how the columns of its table were changed: events are read as if they had been so all the time. */
  changes: ReadonlyMap<string, readonly ColumnChange[]>;
  defaults: TimeSettings;
  now: number;
  /** Events that are looked at, at most. */
  max_events: number;
  ask(sql: string): Promise<readonly (readonly unknown[])[]>;
}

const HOUR_MS = 3_600_000;
/** The thread is the door's: after so many events those who wait at it are heard. */
const TURN_EVENTS = 500;
const ALERTS = "analytics.alerts";

export async function tryRules(
  file: ControlFile,
  hours: number,
  context: TrialContext,
): Promise<TrialOutcome> {
  const since = timestampCell(context.now - hours * HOUR_MS);
  const rows = await context.ask(
    `SELECT * FROM (
       SELECT log_partition, log_offset, epoch_ms(received_at), source, kind, content_type, body,
         CAST(to_json(headers) AS VARCHAR) FROM raw.events
       WHERE outcome = 'row' AND body_encoding = 'utf8' AND received_at >= TIMESTAMP '${since}'
       ORDER BY received_at DESC, log_offset DESC LIMIT ${context.max_events + 1})
     ORDER BY log_partition, log_offset`,
  );
  const truncated = rows.length > context.max_events;
  const outcome: TrialOutcome = { hours, events: 0, alerts: 0, by_rule: {}, truncated };
  const pipelines = new Map<number, Pipeline>();
  const shapes = shapesOf(context);
  for (const [at, row] of rows.entries()) {
    if (at % TURN_EVENTS === 0) await setImmediate();
    const partition = Number(row[0]);
    let pipeline = pipelines.get(partition);
    if (!pipeline) pipelines.set(partition, pipeline = newPipeline(partition, file, context));
    count(pipeline, row, { judge: context.judge, shapes, outcome });
  }
  return outcome;
}

function shapesOf({ kinds, changes }: TrialContext): Map<string, RowShape> {
  const changed = [...kinds.values()].map((kind) => ({ kind, changes: changes.get(kind.name) ?? [] }))
    .filter((one) => one.changes.length > 0);
  return new Map(changed.map(({ kind, changes }) => [kind.name, rowShape(kind, changes)]));
}

function newPipeline(partition: number, file: ControlFile, { kinds, defaults }: TrialContext): Pipeline {
  const pipeline = createPipeline({ partition, state: new PartitionState(), kinds, defaults });
  pipeline.control("rules", file.body, { source: "millrace", partition, offset: 0, received_at: 0 });
  return pipeline;
}

function count(
  pipeline: Pipeline,
  [partition, offset, received_at, source, kind, content_type, body, more]: readonly unknown[],
  { judge, shapes, outcome }: Pick<TrialContext, "judge"> & {
    shapes: ReadonlyMap<string, RowShape>;
    outcome: TrialOutcome;
  },
): void {
  const headers = {
    ...JSON.parse(String(more ?? "{}")) as Readonly<Record<string, string>>,
    source: String(source),
    kind: String(kind),
    content_type: String(content_type),
  };
  const place = { partition: Number(partition), offset: Number(offset), received_at: Number(received_at) };
  const judgement = judge.judge({
    ...place,
    key: null,
    value: new TextEncoder().encode(String(body)),
    headers,
  });
  if (judgement.verdict !== "row") return;
  outcome.events++;
  const { event } = judgement;
  const row: MutableRow = {
    ...event.cells,
    source: headers.source,
    event_id: event.event_id,
    event_time: timestampCell(event.event_time_ms, event.event_time_sub_us),
  };
  shapes.get(event.kind)?.fill(row);
  for (
    const { table, row: alert } of pipeline.accept({ ...event, ...place, source: headers.source, row })
      .outputs
  ) {
    if (table !== ALERTS) continue;
    const rule = String(alert.rule);
    outcome.alerts++;
    addCount(outcome.by_rule, rule, 1);
  }
}
