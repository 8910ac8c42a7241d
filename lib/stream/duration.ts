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

const FORM = 'is no length of time such as "90 s", "5 min", "1 h" or "1 d", above 0 and at most 366 d';

/** A number of seconds or a text, in milliseconds. */
export const Duration = z.union([z.number(), z.string()], { error: FORM }).transform((value, context) => {
  const ms = typeof value === "number" ? value * 1000 : textMs(value);
  if (Number.isInteger(ms) && ms > 0 && ms <= LONGEST_MS) return ms;
  context.issues.push({ code: "custom", message: FORM, input: value });
  return z.NEVER;
});

function textMs(text: string): number {
  const match = TEXT.exec(text.trim());
  return match === null ? NaN : Number(match[1]) * UNIT_MS[match[2]];
}
