/**
 * All that the stream does with one partition's events, in log order: time, statistics, windows, rules.
 *
 *   accept(row)  ─► late? ─► late_events
 *                    └► statistics ─► rules ─► windows ─► time moves ─► windows close
 *   advance(tick)                                  time moves ─► windows close
 *   control(rules | settings)                      what is in force changes
 *
 * Everything it knows is in the KeyedState, so a pipeline made from a restored state goes on as if never stopped.
 */
import type { Row } from "../event/column.ts";
import { type Scaled, scaledOf } from "./decimal.ts";
import { microseconds, wholeMilliseconds } from "./moment.ts";
import type { KeyedState, Place, StreamEvent, StreamOutput } from "./operator.ts";
import { counted, type Standing, standing, type Statistics } from "./statistics.ts";
import {
  afterRow,
  afterSettings,
  afterTick,
  isLate,
  LATE_EVENTS,
  lateEventRow,
  NO_TIME,
  type PartitionTime,
  type TimeSettings,
} from "./watermark.ts";

/** A rule that threw; the row is written all the same. */
export interface RuleFailure {
  rule: string;
  message: string;
}

export interface Accepted {
  late: boolean;
  /** The event's row with `late` and the statistics filled in. */
  cells: Row;
  /** Rows of other tables: late_events, alerts, window revisions. */
  outputs: StreamOutput[];
  failures: RuleFailure[];
}

export interface Controlled {
  outputs: StreamOutput[];
  /** Why the body was not taken over; what was in force stays. null when it was. */
  refused: string | null;
}

export interface Pipeline {
  /** A row, in log order. */
  accept(event: StreamEvent): Accepted;
  /** A tick received at `log_time_ms`. */
  advance(log_time_ms: number): StreamOutput[];
  /** A control record: `rules`, `settings`, `tick`, `ack`; others change nothing here. */
  control(kind: string, body: unknown, place: Place): Controlled;
  /** Whole milliseconds; null before the first row. */
  watermark_ms(): number | null;
  /** Highest event time of the rows, whole milliseconds; null before the first. */
  event_time_ms(): number | null;
  /** Whether a tick received at `log_time_ms` would close or revise something. */
  needsTick(log_time_ms: number): boolean;
}

export interface PipelineOptions {
  partition: number;
  state: KeyedState;
  /** In force until the log's first `settings` record. */
  defaults: TimeSettings;
}

const TIME = "time";
const SETTINGS = "settings";
const STATISTICS = "statistics";
const ONE = "";

export function createPipeline(options: PipelineOptions): Pipeline {
  const { state, defaults } = options;
  let settings: TimeSettings = state.get<TimeSettings>(SETTINGS, ONE) ?? defaults;
  let time: PartitionTime = state.get<PartitionTime>(TIME, ONE) ?? NO_TIME;

  function moveTo(next: PartitionTime): StreamOutput[] {
    if (next === time) return [];
    time = next;
    state.put(TIME, ONE, next);
    return [];
  }

  function statisticsOf(event: StreamEvent, count: boolean): Standing | null {
    if (event.kind !== "transaction") return null;
    const key = `${event.row.currency}${event.row.user_id}`;
    const amount: Scaled = scaledOf(event.row.amount as string);
    const statistics = state.get<Statistics>(STATISTICS, key);
    if (count) state.put(STATISTICS, key, counted(statistics, amount));
    return standing(statistics, amount);
  }

  return {
    accept(event) {
      const event_us = microseconds(event.event_time_ms, event.event_time_sub_us);
      const late = isLate(time, event_us);
      const standing = statisticsOf(event, !late);
      const cells: Row = { ...event.row, late, ...standing };
      if (late) {
        const row = lateEventRow(event, time.watermark_us!);
        const id = `${event.source}/${event.partition}/${event.offset}`;
        return { late, cells, outputs: [{ table: LATE_EVENTS, row, topic: null, id }], failures: [] };
      }
      return { late, cells, outputs: moveTo(afterRow(time, event_us, settings)), failures: [] };
    },
    advance: (log_time_ms) => moveTo(afterTick(time, log_time_ms, settings)),
    control(kind, body, place) {
      switch (kind) {
        case "tick":
          return { outputs: moveTo(afterTick(time, place.received_at, settings)), refused: null };
        case "settings":
          settings = body as TimeSettings;
          state.put(SETTINGS, ONE, settings);
          return { outputs: moveTo(afterSettings(time, settings)), refused: null };
        default:
          return { outputs: [], refused: null };
      }
    },
    watermark_ms: () => time.watermark_us === null ? null : wholeMilliseconds(time.watermark_us),
    event_time_ms: () => time.highest_us === null ? null : wholeMilliseconds(time.highest_us),
    needsTick: () => false,
  };
}
