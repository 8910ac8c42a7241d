/** When the owner of a silent partition moves its time on (EVENTS.md section 4). Pure. */

const MAX_DELAY_MS = 60_000;
const HOUR_MS = 3_600_000;
const BACKFILL_DELAY_MS = 600_000;

export interface Silence {
  tick_after_ms: number;
  /** Ticks appended since the last event. */
  ticks: number;
  now: number;
  /** Highest event time of the partition's rows; null before the first. */
  event_time_ms: number | null;
}

/** Milliseconds of silence after which the next tick is due: doubling up to a minute, long while history is loaded. */
export function nextTickDelay(silence: Silence): number {
  const { tick_after_ms, ticks, now, event_time_ms } = silence;
  const isBackfill = ticks === 0 && event_time_ms !== null && now - event_time_ms > HOUR_MS;
  if (isBackfill) return Math.max(BACKFILL_DELAY_MS, tick_after_ms);
  return Math.max(tick_after_ms, Math.min(MAX_DELAY_MS, tick_after_ms * 2 ** Math.min(ticks, 20)));
}
