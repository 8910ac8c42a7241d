/** Stream time: whole microseconds since 1970 as one number, exact until the year 2255. */
import { timestampCell } from "../event/timestamp.ts";

export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

export function microseconds(ms: number, sub_us = 0): number {
  return ms * 1000 + sub_us;
}

/** The millisecond that `us` falls into. */
export function wholeMilliseconds(us: number): number {
  return Math.floor(us / 1000);
}

/** Texts of whole minutes: windows begin and end on few of them, and are many. */
const minutes = new Map<number, string>();
const MOST_MINUTES = 10_000;

/** `us` as a timestamp cell. */
export function momentCell(us: number): string {
  if (us % MINUTE_US !== 0) return cellOf(us);
  let text = minutes.get(us);
  if (text === undefined) {
    if (minutes.size >= MOST_MINUTES) minutes.clear();
    minutes.set(us, text = cellOf(us));
  }
  return text;
}

function cellOf(us: number): string {
  const ms = Math.floor(us / 1000);
  return timestampCell(ms, us - ms * 1000);
}
