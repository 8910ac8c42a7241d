/**
 * How long steps took lately, from histograms that only ever grow: what was added to each bucket over the last minute,
 * and in which bucket the 95th of a hundred falls. As exact as the buckets are; the answer is their upper bound.
 */
import { METRICS } from "../observe/metric_names.ts";
import type { Sample } from "../observe/metrics.ts";

const WINDOW_MS = 60_000;
const TIMED = ["append_seconds", "checkpoint_seconds", "publish_seconds"] as const;
type Timed = typeof TIMED[number];

interface Moment {
  at_ms: number;
  counts: Readonly<Record<Timed, readonly number[]>>;
}

export class Latencies {
  #moments: Moment[] = [];

  take(samples: readonly Sample[], at_ms: number): void {
    this.#moments.push({ at_ms, counts: countsOf(samples) });
    while (this.#moments.length > 2 && this.#moments[1].at_ms <= at_ms - WINDOW_MS) this.#moments.shift();
  }

  /** `append_p95_seconds` and so on; null for what did not happen within the window. */
  get metrics(): Record<string, number | null> {
    const [first, last] = [this.#moments[0], this.#moments.at(-1)];
    return Object.fromEntries(TIMED.map((name) => {
      const grown = last?.counts[name].map((count, at) => count - (first.counts[name][at] ?? 0)) ?? [];
      return [name.replace("_seconds", "_p95_seconds"), bucketOf(grown, METRICS[name].buckets, 0.95)];
    }));
  }
}

function countsOf(samples: readonly Sample[]): Moment["counts"] {
  const sums: Record<Timed, number[]> = { append_seconds: [], checkpoint_seconds: [], publish_seconds: [] };
  for (const { name, counts } of samples) {
    const sum = counts && TIMED.find((one) => one === name);
    if (!sum) continue;
    counts.forEach((count, at) => sums[sum][at] = (sums[sum][at] ?? 0) + count);
  }
  return sums;
}

/** The upper bound of the bucket that a share of all values does not exceed; null without values. */
export function bucketOf(counts: readonly number[], bounds: readonly number[], share: number): number | null {
  const all = counts.reduce((sum, count) => sum + Math.max(0, count), 0);
  if (all === 0) return null;
  let below = 0;
  for (const [at, count] of counts.entries()) {
    below += Math.max(0, count);
    if (below >= all * share) return bounds[at] ?? bounds[bounds.length - 1];
  }
  return bounds[bounds.length - 1];
}
