/**
 * Events by source and kind as they come, from two ways of counting that each know something the other does not.
 *
 *   doors of this process   at once, but nothing of other processes      (metrics)
 *   the log itself          everything, but only when it is read         (accounting of /api/status)
 *
 * A source's count is what the log held when it was read last, and what the doors counted since. Counts never go back.
 */
import type { Sample } from "../observe/metrics.ts";
import type { LivePoint } from "./payload.ts";

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
    const key = sample.labels[label] ?? "";
    sums[key] = (sums[key] ?? 0) + sample.value;
  }
  return sums;
}

/** The sum of a metric; null when nobody counts it. */
export function total(samples: readonly Sample[], name: string): number | null {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

/** Points and moments that are kept to say how many came in the last seconds. */
const RATE_WINDOW_MS = 3_000;

interface Moment {
  at_ms: number;
  accepted: number;
}

/** What stands on the log but was not taken apart by source yet goes under a name in brackets. */
const isSource = (name: string) => !name.startsWith("(");

export class EventCounts {
  #sources: Record<string, number> = {};
  #kinds: Tally = {};
  #log: { counts: Tally; doors: Tally } = { counts: {}, doors: {} };
  #last: { sources: Tally; kinds: Tally } | null = null;
  #moments: Moment[] = [];
  accepted = 0;

  /** The log was read, and this is what the doors had counted just after. */
  logRead(counts: Tally, doors: DoorCounts): void {
    this.#log = { counts, doors: doors.sources };
    this.#count(doors.sources);
  }

  doorsRead(doors: DoorCounts, at_ms: number): void {
    this.#count(doors.sources);
    this.#kinds = doors.kinds;
    this.#moments.push({ at_ms, accepted: this.accepted });
    while (this.#moments.length > 2 && this.#moments[1].at_ms <= at_ms - RATE_WINDOW_MS) {
      this.#moments.shift();
    }
  }

  /** Over the last seconds, in whole events while there are many. */
  get events_per_second(): number {
    const [first, last] = [this.#moments[0], this.#moments.at(-1)];
    if (!first || !last || last.at_ms <= first.at_ms) return 0;
    const rate = (last.accepted - first.accepted) / ((last.at_ms - first.at_ms) / 1000);
    return rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10;
  }

  /** What came since the point before; nothing for the first one, which has no point before it. */
  point(t: number): LivePoint {
    const now = { sources: { ...this.#sources }, kinds: this.#kinds };
    const last = this.#last ?? now;
    this.#last = now;
    return { t, sources: growth(last.sources, now.sources), kinds: growth(last.kinds, now.kinds) };
  }

  #count(doors: Tally): void {
    const since = (source: string) => (doors[source] ?? 0) - (this.#log.doors[source] ?? 0);
    const names = new Set([...Object.keys(this.#log.counts), ...Object.keys(doors)]);
    let accepted = 0;
    for (const name of names) {
      const count = (this.#log.counts[name] ?? 0) + since(name);
      accepted += count;
      if (isSource(name)) this.#sources[name] = Math.max(this.#sources[name] ?? 0, count);
    }
    this.accepted = Math.max(this.accepted, accepted);
  }
}

function growth(before: Tally, now: Tally): Record<string, number> {
  const grown = Object.entries(now).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}
