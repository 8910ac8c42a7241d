/**
 * Moments as whole milliseconds since 1970 and the microseconds below them, read from what senders write and written as
 * cells (`2026-01-31T09:30:00.123456`, UTC). RFC 3339 is taken strictly: `T`, seconds below 60, `Z` or an offset.
 */
import { MAX_TIME_MS } from "../written_time.ts";
import { ExactNumber } from "./exact_json.ts";
import { readDecimal } from "./money.ts";

export interface Moment {
  /** Milliseconds since 1970. */
  ms: number;
  /** Microseconds below the millisecond, 0..999. */
  sub_us: number;
}

export type MomentReading =
  | { ok: true; moment: Moment }
  | { ok: false; code: "invalid_type" | "invalid_format" | "out_of_range" };

const DAY_MS = 86_400_000;

const OUT_OF_RANGE: MomentReading = { ok: false, code: "out_of_range" };
const WRONG_FORM: MomentReading = { ok: false, code: "invalid_format" };
const WRONG_TYPE: MomentReading = { ok: false, code: "invalid_type" };

/** A JSON integer (milliseconds) or RFC 3339 text; digits after the sixth decimal are cut. */
export function readMoment(value: unknown): MomentReading {
  if (typeof value === "string") return momentOfText(value);
  if (typeof value === "number") return momentOfNumber(value);
  if (!(value instanceof ExactNumber)) return WRONG_TYPE;
  const decimal = readDecimal(value.text);
  return decimal !== null && decimal.scale <= 0 ? momentOfNumber(Number(value.text)) : WRONG_TYPE;
}

function momentOfNumber(value: number): MomentReading {
  if (!Number.isInteger(value) && Number.isFinite(value)) return WRONG_TYPE;
  return inRange(value, 0);
}

function inRange(ms: number, sub_us: number): MomentReading {
  return ms >= 0 && ms <= MAX_TIME_MS ? { ok: true, moment: { ms: ms + 0, sub_us } } : OUT_OF_RANGE;
}

/** `YYYY-MM-DDTHH:MM:SS[.f+](Z|+HH:MM|-HH:MM)`, read by position. */
function momentOfText(text: string): MomentReading {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const marks = text[4] === "-" && text[7] === "-" && (text[10] === "T" || text[10] === "t") &&
    text[13] === ":" && text[16] === ":";
  if (!marks || year < 0 || day < 1 || hour < 0 || minute < 0 || second < 0) return WRONG_FORM;
  if (month < 1 || month > 12 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) {
    return WRONG_FORM;
  }
  let at = 19;
  let micros = 0;
  if (text[19] === ".") {
    at = endOfDigits(text, 20);
    if (at === 20) return WRONG_FORM;
    micros = Number(text.slice(20, Math.min(at, 26)).padEnd(6, "0"));
  }
  const offset_minutes = readOffset(text, at);
  if (offset_minutes === null) return WRONG_FORM;
  const ms = daysSince1970(year, month, day) * DAY_MS + hour * 3_600_000 +
    (minute - offset_minutes) * 60_000 + second * 1000 + Math.floor(micros / 1000);
  return inRange(ms, micros % 1000);
}

/** The number that `count` digits at `at` make, or -1. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  const end = at + count;
  for (; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function endOfDigits(text: string, at: number): number {
  while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++;
  return at;
}

/** Minutes east of UTC; null when what stands at `at` is no offset, or not the end of the text. */
function readOffset(text: string, at: number): number | null {
  const mark = text[at];
  if (mark === "Z" || mark === "z") return text.length === at + 1 ? 0 : null;
  if ((mark !== "+" && mark !== "-") || text.length !== at + 6 || text[at + 3] !== ":") return null;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return null;
  return (mark === "-" ? -1 : 1) * (hours * 60 + minutes);
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : MONTH_DAYS[month - 1];
}

/** Days of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const year_of_era = y - era * 400;
  const day_of_year = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + year_of_era * 365 + Math.floor(year_of_era / 4) - Math.floor(year_of_era / 100) +
    day_of_year - 719_468;
}

const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, "0"));

/** The last day that was written: a batch of records seldom leaves it, and its text is the dear part. */
let day = { start_ms: 0, text: "1970-01-01T" };

/** The cell of a moment: three decimals, or six where microseconds are there. `ms` from 1970 to 9999. */
export function timestampCell(ms: number, sub_us = 0): string {
  let rest = ms - day.start_ms;
  if (!(rest >= 0 && rest < DAY_MS)) {
    day = { start_ms: Math.floor(ms / DAY_MS) * DAY_MS, text: new Date(ms).toISOString().slice(0, 11) };
    rest = ms - day.start_ms;
  }
  const seconds = Math.floor(rest / 1000);
  const minutes = Math.floor(seconds / 60);
  const fraction = rest % 1000;
  return `${day.text}${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:` +
    `${TWO_DIGITS[seconds % 60]}.${threeDigits(fraction)}${sub_us === 0 ? "" : threeDigits(sub_us)}`;
}

function threeDigits(number: number): string {
  return number < 10 ? `00${number}` : number < 100 ? `0${number}` : `${number}`;
}
