/**
 * Events a second by source and by kind, out of counts that grow in pulses.
 *
 *   a count    +20       +20            +40       +20
 *   told     | 20 | 20 | 20 | 20 | 20 | ...              events a second
 *
 * A thread reports every second and the log is read every two, neither on the beat of whoever looks: between two looks
 * there lie no pulse or two, and a picture of that would be a saw. So what a count grew by is taken to have come evenly
 * since it grew before, in two to three seconds, and a second is told only when nothing can be added to it.
 */
import { addCount } from "../counts_by_name.ts";
import type { LivePoint } from "./payload.ts";

type Grouping = "sources" | "kinds";
type Sums = Record<string, number>;

const SECOND_MS = 1_000;
const MIN_SPREAD_MS = 2_000;
const MAX_SPREAD_MS = 3_000;
/** After a longer sleep the seconds before are nobody's business any more. */
const MAX_TOLD = 60;

/** One way of counting, whose counts never go back. */
export class GrowingCount {
  readonly #counts = new Map<string, { count: number; grew_ms: number }>();
  #isKnown = false;

  /** What each name grew by since it grew before. What is there at the first look did not come just now. */
  grown(counts: Readonly<Sums>, at_ms: number): { name: string; by: number; from_ms: number }[] {
    const found: { name: string; by: number; from_ms: number }[] = [];
    for (const [name, count] of Object.entries(counts)) {
      const before = this.#counts.get(name);
      if (before && count <= before.count) continue;
      this.#counts.set(name, { count, grew_ms: at_ms });
      if (!this.#isKnown || count === 0) continue;
      const since_ms = at_ms - (before?.grew_ms ?? 0);
      const spread_ms = Math.min(MAX_SPREAD_MS, Math.max(MIN_SPREAD_MS, since_ms));
      found.push({ name, by: count - (before?.count ?? 0), from_ms: at_ms - spread_ms });
    }
    this.#isKnown = true;
    return found;
  }
}

export class RatePoints {
  readonly #open = new Map<number, { sources: Sums; kinds: Sums }>();
  /** The first second that is not told yet; null before the first look. */
  #next_ms: number | null = null;

  add(grouping: Grouping, count: GrowingCount, counts: Readonly<Sums>, at_ms: number): void {
    this.#next_ms ??= secondOf(at_ms) + SECOND_MS;
    for (const { name, by, from_ms } of count.grown(counts, at_ms)) {
      const a_ms = by / (at_ms - from_ms);
      for (let t = secondOf(from_ms); t < at_ms; t += SECOND_MS) {
        const sums = this.#second(t)[grouping];
        const share_ms = Math.min(at_ms, t + SECOND_MS) - Math.max(from_ms, t);
        addCount(sums, name, a_ms * share_ms);
      }
    }
  }

  /** Seconds that are complete and were not told before, oldest first. */
  told(at_ms: number): LivePoint[] {
    if (this.#next_ms === null) return [];
    const end_ms = secondOf(at_ms - MAX_SPREAD_MS);
    const points: LivePoint[] = [];
    for (let t = Math.max(this.#next_ms, end_ms - MAX_TOLD * SECOND_MS); t < end_ms; t += SECOND_MS) {
      const { sources, kinds } = this.#open.get(t) ?? { sources: {}, kinds: {} };
      points.push({ t, kinds: rounded(kinds), sources: rounded(sources) });
    }
    this.#next_ms = Math.max(this.#next_ms, end_ms);
    for (const t of this.#open.keys()) if (t < this.#next_ms) this.#open.delete(t);
    return points;
  }

  #second(t: number): { sources: Sums; kinds: Sums } {
    const known = this.#open.get(t);
    if (known) return known;
    const made = { sources: {}, kinds: {} };
    this.#open.set(t, made);
    return made;
  }
}

function secondOf(ms: number): number {
  return Math.floor(ms / SECOND_MS) * SECOND_MS;
}

function rounded(sums: Readonly<Sums>): Sums {
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, Math.round(sum * 100) / 100]));
}
