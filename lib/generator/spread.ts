/** The times of a backfill: `count` events evenly from one moment to another, each a little off its place. */
import type { Random } from "./random.ts";

export interface Span {
  count: number;
  from_ms: number;
  to_ms: number;
}

/** The time of event number `index`; never before that of `index - 1`. */
export function spreadTime({ count, from_ms, to_ms }: Span, index: number, random: Random): number {
  return Math.floor(from_ms + (to_ms - from_ms) * (index + random.next()) / count);
}

/** Of a span without length: as many as there are. */
export function eventsPerSecond({ count, from_ms, to_ms }: Span): number {
  return count / Math.max(0.001, (to_ms - from_ms) / 1000);
}

/** Bursts end a little before the span does, so that none is cut off. */
export function lastBurstEnd({ count, from_ms, to_ms }: Span): number {
  return to_ms - Math.max((to_ms - from_ms) * 0.005, 50 * (to_ms - from_ms) / count);
}
