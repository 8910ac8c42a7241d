/** A moment as people and programs write it in addresses and on command lines; what names no zone is UTC. */

/** The last millisecond that can be written with a year of four digits, as every time here is. */
export const MAX_TIME_MS = 253_402_300_799_999;

const FORM = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/i;
const ZONE = /(Z|[+-]\d{2}:\d{2})$/i;
const DAY_CHARS = 10;

/** Milliseconds since 1970 of an RFC 3339 time, or of a day's beginning; null for anything else. */
export function writtenTime(text: string): number | null {
  if (!FORM.test(text)) return null;
  const isWhole = text.length === DAY_CHARS || ZONE.test(text);
  const ms = Date.parse(text.replace(" ", "T") + (isWhole ? "" : "Z"));
  return Number.isNaN(ms) ? null : ms;
}
