/**
 * Events by source and kind as they come, from two ways of counting that each know something the other does not.
 *
 *   doors of this process   soon, but nothing of other processes         (metrics, which threads report every second)
 *   the log itself          everything, but only when it is read         (accounting of /api/status)
 *
 * A source's count is what the log held when it was read, and what the doors counted since. The doors' counters are
 * joined to a reading only when every thread has reported what that reading holds, else it would count twice. Counts
 * never go back.
 */
import { addCount, countOf } from "../counts_by_name.ts";
import type { Sample } from "../observe/metrics.ts";
import type { LivePoint } from "./payload.ts";
import { GrowingCount, RatePoints } from "./rate_points.ts";

export type Tally = Readonly<Record<string, number>>;

export interface DoorCounts {
  sources: Tally;
  kinds: Tally;
}

/** What the doors of this process counted since it began. */
export function doorCounts(samples: readonly Sample[]): DoorCounts {
  return {
    sources: sumBy(samples, "events_accepted_total", "source"),
    kinds: sumBy(samples, "events_by_kind_total", "kind"),
  };
}

/** Values of a metric added up by one of its labels. */
export function sumBy(samples: readonly Sample[], name: string, label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const sample of samples) {
    if (sample.name !== name) continue;
    addCount(sums, sample.labels[label] ?? "", sample.value);
  }
  return sums;
}

/** The sum of a metric; null when nobody counts it. */
export function total(samples: readonly Sample[], name: string): number | null {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

/** How many came is told over the last seconds; fewer would say how threads report in pulses, and not how events come. */
const RATE_WINDOW_MS = 5_000;
/** By then all threads have reported what was on the log at a moment. */
const REPORTED_AFTER_MS = 1_500;
/** The log is read more often than that while somebody looks. */
const READ_PAUSE_MS = 10_000;

/** When a count was seen for the first time. */
interface Moment {
  at_ms: number;
  accepted: number;
}

/** What stands on the log but was not taken apart by source yet goes under a name in brackets. */
const isSource = (name: string) => !name.startsWith("(");

export class EventCounts {
  #sources: Record<string, number> = {};
  #points = new RatePoints();
  readonly #growing = { sources: new GrowingCount(), kinds: new GrowingCount() };
  /** What came through other processes, since the log was last read after a pause. */
  #elsewhere: { count: GrowingCount; joined_ms: number } | null = null;
  #base: { counts: Tally; doors: Tally } = { counts: {}, doors: {} };
  /** A reading of the log that the doors' counters may not have caught up with. */
  #reading: { counts: Tally; at_ms: number } | null = null;
  #moments: Moment[] = [];
  /** When the log was read last. */
  #read_ms = -Infinity;
  #looked_ms = 0;
  accepted = 0;

  /** This is what the log held at a moment. */
  logRead(counts: Tally, at_ms: number): void {
    this.#reading ??= { counts, at_ms };
    const before = this.accepted;
    this.#raise(counts);
    const pause_ms = at_ms - this.#read_ms;
    this.#read_ms = at_ms;
    if (pause_ms <= READ_PAUSE_MS) return;
    // What the log got while nobody read it came evenly, and so for the most part not just now.
    const earlier = (this.accepted - before) * (1 - RATE_WINDOW_MS / pause_ms);
    this.#moments = this.#moments.map((one) => ({ ...one, accepted: one.accepted + earlier }));
  }

  doorsRead(doors: DoorCounts, at_ms: number): void {
    if (at_ms < this.#looked_ms) this.#forgetTimes();
    if (this.#reading && at_ms - this.#reading.at_ms >= REPORTED_AFTER_MS) {
      this.#base = { counts: this.#reading.counts, doors: doors.sources };
      this.#reading = null;
      this.#joined(at_ms);
    }
    this.#raise(this.#counted(doors.sources));
    this.#points.add("sources", this.#growing.sources, doors.sources, at_ms);
    this.#points.add("kinds", this.#growing.kinds, doors.kinds, at_ms);
    this.#looked_ms = at_ms;
    if (this.#moments.at(-1)?.accepted !== this.accepted) {
      this.#moments.push({ at_ms, accepted: this.accepted });
    }
    while (this.#moments.length > 1 && this.#moments[1].at_ms <= at_ms - RATE_WINDOW_MS) {
      this.#moments.shift();
    }
  }

  /**
   * Over the last seconds, in whole events while there are many. From one change of the count to another, for between two
   * reports of a thread nothing seems to come; unless the next one should have come by now.
   */
  get events_per_second(): number {
    const [first, second] = this.#moments;
    if (!second) return 0;
    const last = this.#moments.at(-1)!;
    const began_ms = Math.max(first.at_ms, second.at_ms - RATE_WINDOW_MS);
    const ended_ms = this.#looked_ms - last.at_ms < REPORTED_AFTER_MS ? last.at_ms : this.#looked_ms;
    const rate = (last.accepted - first.accepted) / ((ended_ms - began_ms) / 1000);
    return rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10;
  }

  /** Seconds that were not told before; nothing that comes later belongs to them. */
  points(at_ms: number): LivePoint[] {
    return this.#points.told(at_ms);
  }

  /** The clock was set back: by it, what was seen is yet to come. The counts themselves stand. */
  #forgetTimes(): void {
    this.#moments = [];
    this.#points = new RatePoints();
    this.#reading = null;
    this.#read_ms = -Infinity;
    this.#elsewhere = null;
  }

  /** The log holds what these doors took and what others did; while nobody reads it, the others' is not known. */
  #joined(at_ms: number): void {
    const { counts, doors } = this.#base;
    if (this.#elsewhere === null || at_ms - this.#elsewhere.joined_ms > READ_PAUSE_MS) {
      this.#elsewhere = { count: new GrowingCount(), joined_ms: at_ms };
    }
    this.#elsewhere.joined_ms = at_ms;
    const others = Object.entries(counts).filter(([name]) => isSource(name))
      .map(([name, count]) => [name, Math.max(0, count - countOf(doors, name))] as const);
    this.#points.add("sources", this.#elsewhere.count, Object.fromEntries(others), at_ms);
  }

  /** The base, and what the doors counted since. */
  #counted(doors: Tally): Tally {
    const { counts, doors: before } = this.#base;
    const names = [...new Set([...Object.keys(counts), ...Object.keys(doors)])];
    return Object.fromEntries(
      names.map((name) => [name, countOf(counts, name) + countOf(doors, name) - countOf(before, name)]),
    );
  }

  #raise(counts: Tally): void {
    for (const [name, count] of Object.entries(counts)) {
      if (isSource(name)) this.#sources[name] = Math.max(countOf(this.#sources, name), count);
    }
    const accepted = Object.values(counts).reduce((sum, count) => sum + count, 0);
    this.accepted = Math.max(this.accepted, accepted);
  }
}
