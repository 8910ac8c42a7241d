/** Lengths of time as people write them in definitions: `90`, `90 s`, `5 min`, `1 h`, `1 d`. */
import { z } from "zod";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const TEXT = /^(\d{1,9})\s*(ms|s|min|h|d)$/;
const LONGEST_MS = 366 * UNIT_MS.d;

/** A number of seconds or a text, in milliseconds. */
export const Duration = durationFrom(1, "above 0");
/** One that may be nothing at all. */
export const DurationOrZero = durationFrom(0, "0 or more");

function durationFrom(least_ms: number, least: string) {
  const form = `is no length of time such as "90 s", "5 min", "1 h" or "1 d", ${least} and at most 366 d`;
  return z.union([z.number(), z.string()], { error: form }).transform((value, context) => {
    const ms = typeof value === "number" ? value * 1000 : textMs(value);
    if (Number.isInteger(ms) && ms >= least_ms && ms <= LONGEST_MS) return ms;
    context.issues.push({ code: "custom", message: form, input: value });
    return z.NEVER;
  });
}

function textMs(text: string): number {
  const match = TEXT.exec(text.trim());
  return match === null ? NaN : Number(match[1]) * UNIT_MS[match[2]];
}
