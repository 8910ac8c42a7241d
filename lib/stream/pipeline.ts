/**
 * All that the stream does with one partition's events, in log order: time, statistics, windows, rules.
 *
 *   accept(row)  ─► late? ─► late_events
 *                    └► statistics ─► rules ─► windows ─► time moves ─► windows close
 *   advance(tick)                                  time moves ─► windows close
 *   control(rules | settings | quality ...)        what is in force changes, a failing check is an alert
 *
 * Everything it knows is in the KeyedState, so a pipeline made from a restored state goes on as if never stopped.
 */
import { z } from "zod";
import { Acknowledgement, acknowledgementRow, ACKNOWLEDGEMENTS } from "../alert/acknowledgement.ts";
import { ALERTS } from "../alert/alert.ts";
import {
  dayOf,
  qualityAlertId,
  qualityAlertRow,
  QualityFinding,
  qualityKey,
} from "../alert/quality_alert.ts";
import type { Row } from "../event/column.ts";
import { LATE_EVENTS } from "../event/late_event.ts";
import { type KindShapes, withAnyColumns } from "./column_types.ts";
import { HOUR_US, microseconds, momentCell, wholeMilliseconds } from "./moment.ts";
import type { KeyedState, Place, StateSpace, StreamEvent, StreamOutput } from "./operator.ts";
import type { RuleSet } from "./rule_definition.ts";
import { RuleEngine, type RuleFailure } from "./rule_engine.ts";
import { counted, type Standing, standing, type Statistics } from "./statistics.ts";
import { KeyPlans, Subject } from "./subject.ts";
import {
  afterRow,
  afterSettings,
  afterTick,
  isLate,
  lateEventRow,
  NO_TIME,
  type PartitionTime,
  type TimeSettings,
} from "./watermark.ts";
import { WindowEngine } from "./window_engine.ts";
import { passes } from "./window_operator.ts";

export type { RuleFailure } from "./rule_engine.ts";

export interface Accepted {
  late: boolean;
  /** The event's row, with `late` and the statistics filled in. */
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
  /** A control record: `rules`, `settings`, `tick`, `ack`, `quality`; others change nothing here. */
  control(kind: string, body: unknown, place: Place): Controlled;
  /** Whole milliseconds; null before the first row. */
  watermark_ms(): number | null;
  /** Highest event time of the rows, whole milliseconds; null before the first. */
  event_time_ms(): number | null;
  /** Whether a tick received at `log_time_ms` would close or revise something. */
  needsTick(log_time_ms: number): boolean;
  /** What is in force, as it came, and what is held. */
  inForce(): InForce;
}

export interface InForce {
  time: TimeSettings;
  rules: RuleSet;
  windows: readonly unknown[];
  held: { windows: number; sessions: number };
  /** Firings held back by cool-downs since the last alert, by rule. */
  suppressed: Record<string, number>;
}

export interface PipelineOptions {
  partition: number;
  state: KeyedState;
  /** In force until the log's first `settings` record. Without one there are no windows, as there are no rules. */
  defaults: TimeSettings;
  kinds: KindShapes;
}

const Settings = z.looseObject({
  out_of_orderness_ms: z.number().int().min(0),
  allowed_lateness_ms: z.number().int().min(0),
  windows: z.array(z.unknown()).optional(),
});

const TIME = "time";
const SETTINGS = "settings";
const STATISTICS = "statistics";
/** By check and subject: the day of its last alert. */
const RAISED = "quality";
const ONE = "";

export function createPipeline(options: PipelineOptions): Pipeline {
  return new PartitionPipeline(options);
}

class PartitionPipeline implements Pipeline {
  #settings: TimeSettings;
  #time: PartitionTime;
  readonly #timeSpace: StateSpace<PartitionTime>;
  readonly #settingsSpace: StateSpace<TimeSettings>;
  readonly #statistics: StateSpace<Statistics>;
  readonly #raised: StateSpace<string>;
  readonly #rules: RuleEngine;
  readonly #windows: WindowEngine;
  readonly #plans = new KeyPlans();
  readonly #subject = new Subject();
  readonly #statisticsKey = this.#plans.of(["user_id", "currency"]);

  constructor({ partition, state, defaults, kinds }: PipelineOptions) {
    const { out_of_orderness_ms, allowed_lateness_ms } = defaults;
    this.#timeSpace = state.space(TIME);
    this.#settingsSpace = state.space(SETTINGS);
    this.#statistics = state.space(STATISTICS, this.#statisticsKey.family);
    this.#raised = state.space(RAISED);
    this.#settings = this.#settingsSpace.get(ONE) ?? { out_of_orderness_ms, allowed_lateness_ms };
    this.#time = this.#timeSpace.get(ONE) ?? NO_TIME;
    const common = { state, partition, kinds: withAnyColumns(kinds), plans: this.#plans };
    this.#rules = new RuleEngine(common);
    this.#windows = new WindowEngine(common, this.#time);
  }

  accept(event: StreamEvent): Accepted {
    const subject = this.#subject.begin(event);
    const late = isLate(this.#time, subject.event_us);
    const standing = event.kind === "transaction" ? this.#standing(subject, !late) : null;
    const cells = event.row;
    fillIn(cells, late, standing);
    const outputs: StreamOutput[] = [];
    const failures: RuleFailure[] = [];
    if (late) {
      const row = lateEventRow(event, this.#time.watermark_us!);
      outputs.push({ table: LATE_EVENTS, row, topic: null, id: `${event.partition}-${event.offset}` });
      return { late, cells, outputs, failures };
    }
    this.#rules.evaluate(subject, { time: this.#time, standing }, outputs, failures);
    this.#windows.add(subject, this.#time.watermark_us);
    this.#moveTo(afterRow(this.#time, subject.event_us, this.#settings), outputs);
    return { late, cells, outputs, failures };
  }

  /** Where the amount stands among the earlier ones; counts it when it is not late. */
  #standing(subject: Subject, counts: boolean): Standing {
    const key = subject.key(this.#statisticsKey);
    const amount = subject.scaled("amount")!;
    const before = this.#statistics.get(key);
    if (counts) this.#statistics.put(key, counted(before, amount));
    return standing(before, amount);
  }

  advance(log_time_ms: number): StreamOutput[] {
    const outputs: StreamOutput[] = [];
    this.#moveTo(afterTick(this.#time, log_time_ms, this.#settings), outputs);
    return outputs;
  }

  #moveTo(next: PartitionTime, outputs: StreamOutput[]): void {
    const before = this.#time;
    if (next === before) return;
    this.#time = next;
    this.#timeSpace.put(ONE, next);
    const { watermark_us, line_us } = next;
    if (watermark_us === null || line_us === null) return;
    const move = { from_us: before.watermark_us ?? watermark_us, to_us: watermark_us, line_us };
    this.#windows.advance(move, outputs);
    if (passes(move, HOUR_US)) this.#rules.sweep(next);
  }

  control(kind: string, body: unknown, place: Place): Controlled {
    switch (kind) {
      case "tick":
        return { outputs: this.advance(place.received_at), refused: null };
      case "rules":
        return { outputs: [], refused: this.#rules.replace(body) };
      case "settings":
        return this.#takeSettings(body);
      case "ack":
        return acknowledged(body, place);
      case "quality":
        return this.#qualityAlert(body, place);
      default:
        return { outputs: [], refused: null };
    }
  }

  /** One a day for each check and subject; what was raised on days before is forgotten with the next. */
  #qualityAlert(body: unknown, place: Place): Controlled {
    const outputs: StreamOutput[] = [];
    const parsed = QualityFinding.safeParse(body);
    if (!parsed.success) return { outputs, refused: z.prettifyError(parsed.error) };
    const key = qualityKey(parsed.data);
    const day = dayOf(place.received_at);
    if (this.#raised.get(key) === day) return { outputs, refused: null };
    for (const [other, raised_on] of [...this.#raised.entries()]) {
      if (raised_on < day) this.#raised.delete(other);
    }
    this.#raised.put(key, day);
    const id = qualityAlertId(parsed.data, place.source, place.received_at);
    outputs.push({ table: ALERTS, row: qualityAlertRow(parsed.data, place), topic: "alerts", id });
    return { outputs, refused: null };
  }

  #takeSettings(body: unknown): Controlled {
    const outputs: StreamOutput[] = [];
    const parsed = Settings.safeParse(body);
    if (!parsed.success) return { outputs, refused: z.prettifyError(parsed.error) };
    const { out_of_orderness_ms, allowed_lateness_ms, windows } = parsed.data;
    const refused = windows === undefined ? null : this.#windows.replace(windows, this.#time);
    if (refused !== null) return { outputs, refused };
    this.#settings = { out_of_orderness_ms, allowed_lateness_ms };
    this.#settingsSpace.put(ONE, this.#settings);
    this.#moveTo(afterSettings(this.#time, this.#settings), outputs);
    return { outputs, refused };
  }

  watermark_ms(): number | null {
    const { watermark_us } = this.#time;
    return watermark_us === null ? null : wholeMilliseconds(watermark_us);
  }

  event_time_ms(): number | null {
    const { highest_us } = this.#time;
    return highest_us === null ? null : wholeMilliseconds(highest_us);
  }

  needsTick(log_time_ms: number): boolean {
    const { watermark_us } = this.#time;
    const to_us = afterTick(this.#time, log_time_ms, this.#settings).watermark_us;
    return watermark_us !== null && to_us !== null && this.#windows.wouldWrite(watermark_us, to_us);
  }

  inForce(): InForce {
    return {
      time: this.#settings,
      rules: this.#rules.inForce,
      windows: this.#windows.inForce,
      held: this.#windows.held(),
      suppressed: this.#rules.suppressed(),
    };
  }
}

/** Completes the row with what the stream knows; in place, since this is the path of every event. */
function fillIn(row: StreamEvent["row"], late: boolean, standing: Standing | null): void {
  row.late = late;
  if (standing === null) return;
  row.user_txn_count = standing.user_txn_count;
  row.user_running_mean = standing.user_running_mean;
  row.z_score = standing.z_score;
  row.is_anomaly = standing.is_anomaly;
}

function acknowledged(body: unknown, place: Place): Controlled {
  const parsed = Acknowledgement.safeParse(body);
  if (!parsed.success) return { outputs: [], refused: z.prettifyError(parsed.error) };
  const row = acknowledgementRow(parsed.data, {
    acknowledged_at: momentCell(microseconds(place.received_at)),
    log_partition: place.partition,
    log_offset: place.offset,
  });
  const id = `${place.partition}-${place.offset}`;
  return { outputs: [{ table: ACKNOWLEDGEMENTS, row, topic: null, id }], refused: null };
}
