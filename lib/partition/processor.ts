/** What a partition's owner needs of whoever turns its records into rows: order in, rows out, state by change. */
import type { SourceCounts } from "../checkpoint/checkpoint.ts";
import type { StateReceiver } from "../checkpoint/restore.ts";
import type { SegmentWriter } from "../checkpoint/segment.ts";
import type { SchemaBody } from "../event/column_change.ts";
import type { LogRecord, NewRecord, Topic } from "../log/log.ts";

/** Everything a checkpoint says about the processor besides its state. */
export interface ProcessorSummary {
  watermark_ms: number | null;
  log_time_ms: number | null;
  sources: Record<string, SourceCounts>;
  taken_over: Record<string, string>;
  /** Firings held back by cool-downs since the last alert, by rule. */
  suppressed: Record<string, number>;
}

/** What a processor is told of where its state stands; the rest of the summary is in the state. */
export type Resumed = Omit<ProcessorSummary, "watermark_ms" | "suppressed">;

export interface Processor extends StateReceiver {
  readonly stateNames: readonly string[];
  resume(summary: Resumed): void;
  /** Writes the record's rows into `segment`; true when it was an event, false for a control record. */
  accept(record: LogRecord, segment: SegmentWriter): boolean;
  takeResults(): Iterable<[Topic, NewRecord[]]>;
  takeChanges(): Record<string, Uint8Array>;
  /**
   * All of the state as it is now, piece by piece, each made as it is asked for; the state may go on changing meanwhile.
   * One at a time.
   */
  takeImages(): Record<string, Iterable<Uint8Array>>;
  summary(): ProcessorSummary;
  /** Columns of kinds that were changed since this was last asked (or that were restored): rows of the segment may have them. */
  takeEvolved(): SchemaBody[];
  /** Days that the open segment's rows touch. */
  openDays(): number;
  beginSegment(): void;
  /** Whether a tick received at `now` would close or revise something. */
  needsTick(now: number): boolean;
  /** Highest event time of the rows, null before the first. */
  eventTime(): number | null;
}
