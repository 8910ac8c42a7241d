/**
 * Sees partitions whose time runs ahead of the clock. An event's time may be five minutes ahead of its arrival, so it
 * happens only after a clock was wrong: it went ahead while events came, and was set right since.
 *
 *   arrivals by a wrong clock ──► watermark ·············|
 *   arrivals by the right one ─────►|◄── all of it late ──►|
 *
 * Nothing is wrong with what is stored, and time never goes back; but until the clock has caught up, events count as late
 * and no window or rule takes them. Somebody should know.
 */
import { MAX_AHEAD_MS } from "../event/judge.ts";

/** How far; 0 while it is no further than an event's time may be. */
export function aheadOfClockMs(watermark_ms: number | null, now: number): number {
  const ahead_ms = (watermark_ms ?? 0) - now;
  return ahead_ms > MAX_AHEAD_MS ? ahead_ms : 0;
}

export interface AheadTeller {
  gauge(partition: number, ahead_seconds: number): void;
  warn(message: string, facts: { partition: number; ahead_seconds: number }): void;
  info(message: string, facts: { partition: number }): void;
}

export const AHEAD_WARNING =
  "the time of a partition is ahead of the clock: until the clock has caught up, events are late, and no window or rule takes them";
const OVER = "the clock has caught up with the time of the partition";

/** Hears of watermarks as often as it likes; warns when one is ahead, once until it no longer is. */
export function aheadOfClock(
  teller: AheadTeller,
): (partition: number, watermark_ms: number | null, now: number) => void {
  const ahead = new Set<number>();
  return (partition, watermark_ms, now) => {
    const ahead_seconds = Math.round(aheadOfClockMs(watermark_ms, now) / 1000);
    teller.gauge(partition, ahead_seconds);
    if (ahead_seconds > 0 && !ahead.has(partition)) {
      ahead.add(partition);
      teller.warn(AHEAD_WARNING, { partition, ahead_seconds });
    } else if (ahead_seconds === 0 && ahead.delete(partition)) teller.info(OVER, { partition });
  };
}
