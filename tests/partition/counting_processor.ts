/**
 * A stand-in for the real processor that makes one row a record and keeps a running sum as its state. A change says from
 * which sum to which it leads, so that a restore which misses one, or takes them in another order, is refused.
 */
import type { Processor, ProcessorSummary, Resumed } from "../../lib/partition/processor.ts";
import type { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import type { LogRecord, NewRecord, Topic } from "../../lib/log/log.ts";

export class CountingProcessor implements Processor {
  readonly stateNames = ["sum"];
  sum = 0;
  #taken = 0;
  #counts = 0;
  #log_time: number | null = null;
  #results: NewRecord[] = [];

  /** `pieces` of an image. */
  constructor(private readonly pieces = 1) {}

  resume(summary: Resumed): void {
    this.#counts = summary.sources.test?.accepted ?? 0;
    this.#log_time = summary.log_time_ms;
  }

  image(_name: string, pieces: Iterable<Uint8Array>): void {
    for (const bytes of pieces) this.sum = this.#taken = Number(new TextDecoder().decode(bytes));
  }

  change(_name: string, bytes: Uint8Array): void {
    const [from, to] = new TextDecoder().decode(bytes).split(">").map(Number);
    if (from !== this.sum) throw new RangeError(`This change begins at ${from}, but the sum is ${this.sum}`);
    this.sum = this.#taken = to;
  }

  takeEvolved() {
    return [];
  }

  accept(record: LogRecord, segment: SegmentWriter): boolean {
    const value = Number(new TextDecoder().decode(record.value!));
    this.sum += value;
    this.#counts++;
    this.#log_time = record.received_at;
    segment.add("raw.events", { log_offset: record.offset, value, sum: this.sum }, 0);
    this.#results.push({
      partition: 0,
      key: null,
      value: record.value!,
      headers: { id: String(record.offset) },
      received_at: record.received_at,
    });
    return true;
  }

  takeResults(): Iterable<[Topic, NewRecord[]]> {
    const results = this.#results;
    this.#results = [];
    return results.length > 0 ? [["aggregates", results]] : [];
  }

  takeChanges(): Record<string, Uint8Array> {
    const change = `${this.#taken}>${this.sum}`;
    this.#taken = this.sum;
    return { sum: new TextEncoder().encode(change) };
  }

  /** Of several pieces, the last of which counts. */
  takeImages(): Record<string, Iterable<Uint8Array>> {
    const text = [...Array.from({ length: this.pieces - 1 }, (_, i) => `-${i}`), String(this.sum)];
    return { sum: text.map((piece) => new TextEncoder().encode(piece)) };
  }

  summary(): ProcessorSummary {
    const n = this.#counts;
    const counts = { accepted: n, rows: n, duplicates: 0, dead_letters: 0, unmapped: 0, of_which_late: 0 };
    return {
      watermark_ms: null,
      log_time_ms: this.#log_time,
      sources: { test: counts },
      taken_over: {},
      suppressed: {},
    };
  }

  openDays(): number {
    return 1;
  }

  beginSegment(): void {}

  needsTick(): boolean {
    return false;
  }

  eventTime(): number | null {
    return null;
  }
}
