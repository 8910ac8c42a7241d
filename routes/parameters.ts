/** Parameters of an address, read strictly: a value that cannot be read is refused, never guessed. */
import { z } from "zod";
import { writtenTime } from "../lib/written_time.ts";
import { faulty } from "./cursor.ts";

export type Query = Readonly<Record<string, string>>;

const DAY_MS = 86_400_000;
export const MAX_DAYS = 3_650;
const MAX_TEXT = 500;

/** The text, or null when it is absent or empty. */
export function textParameter(query: Query, name: string): string | null {
  const value = query[name];
  if (value === undefined || value === "") return null;
  if (value.length > MAX_TEXT) throw faulty(name, `at most ${MAX_TEXT} characters`);
  return plainText(name, value);
}

/** The text, which can stand in SQL. */
export function plainText(name: string, value: string): string {
  if (!isPlain(value)) throw faulty(name, PLAIN);
  return value;
}

const PLAIN = "a text without NUL characters and halves of pairs";

/** What a NUL character ends, and half a pair makes undecodable, is neither asked of the lake nor put on the log. */
function isPlain(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** Such a text in a body. */
export const PlainText = z.string().refine(isPlain, `it must be ${PLAIN}`);

export function choiceParameter<T extends string>(
  query: Query,
  name: string,
  choices: readonly T[],
): T | null {
  const value = textParameter(query, name);
  const choice = choices.find((one) => one === value);
  if (value !== null && choice === undefined) throw faulty(name, `one of ${choices.join(", ")}`);
  return choice ?? null;
}

/** What `snapshot` must be beside `as_of`. */
export const ONE_MOMENT = "given without as_of: either of them says which snapshot is meant";

/** A finite number of zero or more. */
export function numberParameter(query: Query, name: string): number | null {
  const value = textParameter(query, name);
  if (value === null) return null;
  if (!/^\d{1,15}(\.\d{1,15})?$/.test(value)) throw faulty(name, "a number of zero or more");
  return Number(value);
}

/** A moment (RFC 3339, or a day) in milliseconds. */
export function timeParameter(query: Query, name: string): number | null {
  const value = textParameter(query, name);
  if (value === null) return null;
  const ms = writtenTime(value);
  if (ms === null) throw faulty(name, "an RFC 3339 time");
  return ms;
}

/** A time in a body, as milliseconds since 1970. */
export const WrittenTime = z.string().transform((text, context) => {
  const time_ms = writtenTime(text);
  if (time_ms !== null) return time_ms;
  context.addIssue("it must be an RFC 3339 time");
  return z.NEVER;
});

/** The midnight (UTC) that lies `days` days before now, so that whole days are answered. */
export function sinceDays(query: Query, fallback: number, now_ms: number): number {
  const days = daysOf(query, fallback);
  return Math.floor(now_ms / DAY_MS) * DAY_MS - days * DAY_MS;
}

function daysOf(query: Query, fallback: number): number {
  const value = textParameter(query, "days");
  if (value === null) return fallback;
  if (!/^\d{1,4}$/.test(value) || Number(value) < 1 || Number(value) > MAX_DAYS) {
    throw faulty("days", `a whole number from 1 to ${MAX_DAYS}`);
  }
  return Number(value);
}
