/** A moment as people and programs write it in addresses and on command lines; what names no zone is UTC. */

/** The last millisecond that can be written with a year of four digits, as every time here is. */
export const MAX_TIME_MS = 253_402_300_799_999;

const MIN_TIME_MS = -62_167_219_200_000;

const FORM = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/i;
const ZONE = /(Z|[+-]\d{2}:\d{2})$/i;
const DAY_CHARS = 10;

/**
 * Milliseconds since 1970 of an RFC 3339 time, or of a day's beginning; null for anything else, for a day that is not in
 * the calendar, and for a moment that UTC writes with another year than one of four digits.
 */
export function writtenTime(text: string): number | null {
  if (!FORM.test(text)) return null;
  const isWhole = text.length === DAY_CHARS || ZONE.test(text);
  const ms = Date.parse(text.replace(" ", "T") + (isWhole ? "" : "Z"));
  return ms >= MIN_TIME_MS && ms <= MAX_TIME_MS && isInCalendar(text.slice(0, DAY_CHARS)) ? ms : null;
}

/** 30 February is read as 2 March otherwise. */
function isInCalendar(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
