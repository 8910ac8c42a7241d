/**
 * The processor of events: judge, look for the double, let the stream see it, write down what came of it.
 *
 *   record ─► judge ─┬─ dead letter | unmapped ──────────────────────────────┐
 *                    └─ row ─► dedup ─┬─ duplicate | id_conflict ────────────┤
 *                                     └─ new ─► stream ─► row, late, alerts ─┴─► raw row with the outcome
 */
import { noCounts, type SourceCounts } from "../checkpoint/checkpoint.ts";
import type { SegmentWriter } from "../checkpoint/segment.ts";
import { PartitionState } from "../checkpoint/state.ts";
import { concatenate } from "../checkpoint/state_lines.ts";
import type { Row } from "../event/column.ts";
import type { SchemaBody } from "../event/column_change.ts";
import {
  DEAD_LETTERS,
  type DeadLetter,
  deadLetterRow,
  idConflict,
  ruleFailed,
} from "../event/dead_letter.ts";
import { DedupIndex } from "../event/dedup_index.ts";
import { decodeJson } from "../event/json_text.ts";
import { type Judge, KAFKA_SOURCE } from "../event/judge.ts";
import type { Judgement, Outcome } from "../event/judgement.ts";
import type { MutableRow } from "../event/kind.ts";
import type { Kinds } from "../event/kinds.ts";
import { RAW_EVENTS, rawRow } from "../event/raw_event.ts";
import { timestampCell } from "../event/timestamp.ts";
import type { LogRecord, NewRecord, Topic } from "../log/log.ts";
import { type DedupSettings, dedupWindowMs, type Sources } from "../source/sources.ts";
import type { StreamOutput } from "../stream/operator.ts";
import { createPipeline, type Pipeline } from "../stream/pipeline.ts";
import type { TimeSettings } from "../stream/watermark.ts";
import { CONTROL_SOURCE, isControl } from "./control_record.ts";
import { EvolvedKinds } from "./evolved_kinds.ts";
import type { Processor, ProcessorSummary, Resumed } from "./processor.ts";
import { type Result, resultRecord } from "./result_record.ts";

export interface EventProcessorParts {
  partition: number;
  judge: Judge;
  kinds: Kinds;
  sources: Sources;
  /** In force until the log's first `settings` record. */
  defaults: TimeSettings & DedupSettings & { dedup_max_ids: number };
  /** Things people should hear of; counted, never decisive. */
  observe: ProcessorObserver;
}

export interface ProcessorObserver {
  deadLetter(source: string, reason: string): void;
  duplicate(source: string): void;
  late(source: string): void;
  result(output: StreamOutput): void;
  warn(message: string): void;
}

/** No timestamp cell begins so. */
const NO_DAY = "no day";
const KEYED = "keyed";
const DEDUP = "dedup";
const SETTINGS_SPACE = "partition/settings";

/** What a `settings` record says beside time and windows, which are the pipeline's. */
interface SettingsInForce extends DedupSettings {
  /** Kind of records that another program wrote without naming one. */
  kafka_kind?: string | null;
}

export class EventProcessor implements Processor {
  readonly stateNames = [KEYED, DEDUP];
  #state = new PartitionState();
  #dedup: DedupIndex;
  #pipeline: Pipeline;
  #sources: Record<string, SourceCounts> = {};
  #taken_over: Record<string, string> = {};
  #log_time_ms: number | null = null;
  #results = new Map<Topic, NewRecord[]>();
  #days = new Set<string>();
  /** One of them: most rows lie on that of the row before. */
  #day = NO_DAY;
  #evolved: EvolvedKinds;
  #settings: SettingsInForce;

  constructor(private readonly parts: EventProcessorParts) {
    this.#settings = parts.defaults;
    this.#dedup = new DedupIndex(parts.defaults.dedup_max_ids);
    this.#pipeline = this.#newPipeline();
    this.#evolved = new EvolvedKinds(parts.kinds, this.#state);
  }

  image(name: string, pieces: Iterable<Uint8Array>): void {
    if (name === KEYED) this.#state = PartitionState.fromImage(pieces);
    else this.#dedup = DedupIndex.fromImage(concatenate([...pieces]));
  }

  change(name: string, bytes: Uint8Array): void {
    if (name === KEYED) this.#state.applyChanges(bytes);
    else this.#dedup.applyChanges(bytes);
  }

  resume(summary: Resumed): void {
    this.#sources = structuredClone(summary.sources);
    this.#taken_over = { ...summary.taken_over };
    this.#log_time_ms = summary.log_time_ms;
    this.#pipeline = this.#newPipeline();
    this.#evolved = new EvolvedKinds(this.parts.kinds, this.#state);
    this.#settings = this.#settingsInForce();
  }

  accept(read: LogRecord, segment: SegmentWriter): boolean {
    const record = this.#named(read);
    this.#log_time_ms = Math.max(this.#log_time_ms ?? 0, record.received_at);
    if (isControl(record.headers)) {
      this.#control(record, segment);
      return false;
    }
    const source = record.headers.source ?? KAFKA_SOURCE;
    const counts = this.#countsOf(source);
    counts.accepted++;
    const judgement = this.parts.judge.judge(record);
    const outcome = this.#outcome(record, judgement, { source, counts, segment });
    if (outcome === "unmapped") counts.unmapped++;
    this.#add(segment, RAW_EVENTS, rawRow(record, judgement, outcome));
    return true;
  }

  /** A record of another program may name any source, `constructor` too, which every object seems to have. */
  #countsOf(source: string): SourceCounts {
    if (!Object.hasOwn(this.#sources, source)) this.#sources[source] = noCounts();
    return this.#sources[source];
  }

  #outcome(
    record: LogRecord,
    judgement: Judgement,
    seen: { source: string; counts: SourceCounts; segment: SegmentWriter },
  ): Outcome {
    const { source, counts, segment } = seen;
    switch (judgement.verdict) {
      case "unmapped":
        return "unmapped";
      case "dead_letter":
        counts.dead_letters++;
        this.#letter(record, judgement, segment);
        return "dead_letter";
      case "row": {
        const { kind, event_id, content } = judgement;
        const sender = this.parts.sources.of(source, record.headers.like);
        const found = this.#dedup.check({
          source,
          kind,
          event_id,
          content,
          received_at: record.received_at,
          window_ms: dedupWindowMs(sender, this.#settings),
        });
        if (found === "duplicate") {
          counts.duplicates++;
          this.parts.observe.duplicate(source);
          return "duplicate";
        }
        if (found === "conflict") {
          counts.dead_letters++;
          this.#letter(record, idConflict(kind, event_id), segment);
          return "dead_letter";
        }
        counts.rows++;
        if (this.#row(record, judgement, segment)) counts.of_which_late++;
        return "row";
      }
    }
  }

  /** Writes the row and what the stream makes of it; true when the row is late. */
  #row(record: LogRecord, judgement: Judgement & { verdict: "row" }, segment: SegmentWriter): boolean {
    const { event, kind } = judgement;
    const source = record.headers.source ?? KAFKA_SOURCE;
    const table = `processed.${this.parts.kinds.get(kind)!.table}`;
    const evolved = this.#evolved.of(kind);
    const version = evolved?.changes.length ?? 0;
    // What is spread comes first: the engine copies such an object at once, and writes it as JSON by its shape.
    const row: MutableRow = {
      ...event.cells,
      source,
      log_partition: record.partition,
      log_offset: record.offset,
      event_id: event.event_id,
      event_time: timestampCell(event.event_time_ms, event.event_time_sub_us),
      received_at: timestampCell(record.received_at),
      late: false,
      schema_version: version,
    };
    evolved?.shape.fill(row);
    const { partition, offset, received_at } = record;
    const accepted = this.#pipeline.accept({ ...event, source, partition, offset, received_at, row });
    this.#add(segment, table, evolved ? evolved.shape.table(accepted.cells) : accepted.cells, version);
    this.#write(accepted.outputs, received_at, segment);
    for (const { rule, message } of accepted.failures) {
      this.#letter(record, ruleFailed(kind, rule, message), segment);
    }
    if (accepted.late) this.parts.observe.late(source);
    return accepted.late;
  }

  #control(record: LogRecord, segment: SegmentWriter): void {
    const { partition, offset, received_at, headers } = record;
    const decoded = record.value === null ? null : decodeJson(record.value);
    const body = decoded?.ok ? decoded.value : {};
    const kind = headers.kind ?? "";
    const controlled = this.#pipeline.control(kind, body, {
      source: CONTROL_SOURCE,
      partition,
      offset,
      received_at,
    });
    const refused = kind === "schema" ? this.#evolved.take(body) : controlled.refused;
    if (refused !== null) {
      this.parts.observe.warn(`the ${kind} record at ${partition}/${offset} was refused: ${refused}`);
    } else this.#takeOver(kind, headers, body);
    this.#write(controlled.outputs, received_at, segment);
    this.#add(segment, RAW_EVENTS, rawRow(record, null, "control"));
  }

  /** Remembers which version is in force, and from which file it came, so that an edit elsewhere survives a restart. */
  #takeOver(kind: string, headers: Readonly<Record<string, string>>, body: unknown): void {
    if (kind !== "rules" && kind !== "settings") return;
    if (headers.version) this.#taken_over[kind] = headers.version;
    if (headers.file_hash) this.#taken_over[`${kind}_file`] = headers.file_hash;
    if (kind !== "settings") return;
    this.#state.space(SETTINGS_SPACE).put("", body);
    this.#settings = this.#settingsInForce();
    const { dedup_max_ids } = body as { dedup_max_ids?: unknown };
    if (typeof dedup_max_ids === "number") this.#dedup.limit(dedup_max_ids);
  }

  takeEvolved(): SchemaBody[] {
    return this.#evolved.takeUntold();
  }

  #settingsInForce(): SettingsInForce {
    return { ...this.parts.defaults, ...this.#state.space<Partial<SettingsInForce>>(SETTINGS_SPACE).get("") };
  }

  /** The record with the kind that the settings give to programs that name none; a sender's body says its own. */
  #named(record: LogRecord): LogRecord {
    const { headers } = record;
    const { kafka_kind } = this.#settings;
    if (headers.kind !== undefined || !kafka_kind) return record;
    const { trust } = this.parts.sources.of(headers.source ?? KAFKA_SOURCE, headers.like);
    if (trust === "webhook") return record;
    return { ...record, headers: { ...headers, kind: kafka_kind } };
  }

  #letter(record: LogRecord, letter: DeadLetter, segment: SegmentWriter): void {
    const row = deadLetterRow(record, letter);
    const text = this.#add(segment, DEAD_LETTERS, row);
    const { received_at } = record;
    this.#send("dead_letters", { id: String(row.dead_letter_id), table: DEAD_LETTERS, text, received_at });
    this.parts.observe.deadLetter(record.headers.source ?? KAFKA_SOURCE, letter.reason);
  }

  #write(outputs: readonly StreamOutput[], received_at: number, segment: SegmentWriter): void {
    for (const output of outputs) {
      const { table, topic, id } = output;
      const text = this.#add(segment, table, output.row);
      this.parts.observe.result(output);
      if (topic !== null) this.#send(topic, { id, table, text, received_at });
    }
  }

  #send(topic: Topic, result: Omit<Result, "partition">): void {
    let records = this.#results.get(topic);
    if (!records) this.#results.set(topic, records = []);
    records.push(resultRecord({ partition: this.parts.partition, ...result }));
  }

  #add(segment: SegmentWriter, table: string, row: Row, schema_version = 0): string {
    const cell = row.event_time ?? row.window_start ?? row.received_at;
    const time = typeof cell === "string" ? cell : null;
    if (time !== null && !time.startsWith(this.#day)) this.#days.add(this.#day = time.slice(0, 10));
    return segment.add(table, row, schema_version, time);
  }

  takeResults(): Iterable<[Topic, NewRecord[]]> {
    const results = this.#results;
    this.#results = new Map();
    return results;
  }

  takeChanges(): Record<string, Uint8Array> {
    return { [KEYED]: this.#state.takeChanges(), [DEDUP]: this.#dedup.takeChanges() };
  }

  takeImages(): Record<string, Iterable<Uint8Array>> {
    return { [KEYED]: this.#state.imageChunks(), [DEDUP]: [this.#dedup.image()] };
  }

  /** What is open and held back now, for people. */
  held(): { windows: number; sessions: number; suppressed: Record<string, number> } {
    const { held, suppressed } = this.#pipeline.inForce();
    return { ...held, suppressed };
  }

  /** Ids that were forgotten for want of room, ever. */
  get forgottenIds(): number {
    return this.#dedup.dropped;
  }

  summary(): ProcessorSummary {
    return {
      watermark_ms: this.#pipeline.watermark_ms(),
      log_time_ms: this.#log_time_ms,
      sources: structuredClone(this.#sources),
      taken_over: { ...this.#taken_over },
      suppressed: this.#pipeline.inForce().suppressed,
    };
  }

  openDays(): number {
    return this.#days.size;
  }

  beginSegment(): void {
    this.#days = new Set();
    this.#day = NO_DAY;
  }

  needsTick(now: number): boolean {
    return this.#pipeline.needsTick(now);
  }

  eventTime(): number | null {
    return this.#pipeline.event_time_ms();
  }

  #newPipeline(): Pipeline {
    const { partition, defaults } = this.parts;
    const { out_of_orderness_ms, allowed_lateness_ms } = defaults;
    return createPipeline({
      partition,
      state: this.#state,
      defaults: { out_of_orderness_ms, allowed_lateness_ms },
      kinds: this.parts.kinds,
    });
  }
}
