/**
 * Exact sums of decimals with four places, in two doubles that hold whole numbers.
 *
 *   value x 10^4 = high x 10^15 + low        0 <= low < 10^15, high any integer (-1 for small negative values)
 *
 * Nearly every amount is below 10^11, so `high` is 0 or -1 and one addition does the work. Both parts are exact in a
 * double and in JSON; decimal(38, 4) fits with room to spare.
 */
import type { Cell } from "../event/column.ts";

export const PLACES = 4;
export const BASE = 1e15;
const BASE_DIGITS = 15;
/** Text up to this length is tried without big integers. */
const FAST_LENGTH = 16;

/** Value times 10^4. */
export interface Scaled {
  high: number;
  low: number;
}

/** Of decimal text (`-12.3400`) or a number, whose fifth and later places are rounded half away from zero; else null. */
export function scaledCell(cell: Cell | undefined): Scaled | null {
  if (typeof cell === "number") return scaledOfNumber(cell);
  if (typeof cell !== "string") return null;
  return fastScaled(cell) ?? (DECIMAL_TEXT.test(cell) ? scaledOfDigits(cell) : null);
}

const DECIMAL_TEXT = /^-?\d+(\.\d+)?$/;

function fastScaled(text: string): Scaled | null {
  const fast = text.length <= FAST_LENGTH ? scaledText(text) : NaN;
  return Math.abs(fast) <= Number.MAX_SAFE_INTEGER ? fromSafe(fast) : null;
}

export function fromSafe(integer: number): Scaled {
  const high = Math.floor(integer / BASE);
  return { high, low: integer - high * BASE };
}

export function add(a: Scaled, b: Scaled): Scaled {
  const low = a.low + b.low;
  return low >= BASE ? { high: a.high + b.high + 1, low: low - BASE } : { high: a.high + b.high, low };
}

export function compare(a: Scaled, b: Scaled): number {
  return a.high - b.high || a.low - b.low;
}

/** The nearest double of the value itself. */
export function toNumber(value: Scaled): number {
  if (value.high === 0) return value.low / 1e4;
  if (value.high === -1) return (value.low - BASE) / 1e4;
  return Number(toText(value));
}

/** Whether a decimal column of so many digits, four of them behind the point, has room for it. */
export function fits({ high }: Scaled, digits: 18 | 38): boolean {
  const bound = 10 ** (digits - BASE_DIGITS);
  return high >= -bound && high < bound;
}

/** The difference a - b as a double; exact up to the last rounding however large both are. */
export function difference(a: Scaled, b: Scaled): number {
  return ((a.high - b.high) * BASE + (a.low - b.low)) / 1e4;
}

/** As a decimal cell: `-12.3400`. */
export function toText(value: Scaled): string {
  let { high, low } = value;
  const negative = high < 0;
  if (negative) {
    high = low === 0 ? -high : -high - 1;
    low = low === 0 ? 0 : BASE - low;
  }
  const tail = String(low).padStart(high > 0 ? BASE_DIGITS : PLACES + 1, "0");
  const digits = high > 0 ? BigInt(high).toString() + tail : tail;
  const cut = digits.length - PLACES;
  return `${negative ? "-" : ""}${digits.slice(0, cut)}.${digits.slice(cut)}`;
}

/** `digits[.digits]` read by character; NaN for another form, not exact beyond safe integers. */
function scaledText(text: string): number {
  let at = text.charCodeAt(0) === 0x2d ? 1 : 0;
  const negative = at === 1;
  if (at === text.length) return NaN;
  let value = 0;
  let places = -1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x2e && places < 0) places = 0;
    else if (code < 0x30 || code > 0x39) return NaN;
    else if (places < PLACES) {
      value = value * 10 + (code - 0x30);
      if (places >= 0) places++;
    }
  }
  for (places = Math.max(places, 0); places < PLACES; places++) value *= 10;
  return negative && value > 0 ? -value : value;
}

function scaledOfNumber(value: number): Scaled {
  const scaled = value * 1e4;
  if (Math.abs(scaled) < Number.MAX_SAFE_INTEGER) {
    return fromSafe(Math.sign(scaled) * Math.round(Math.abs(scaled)) + 0);
  }
  const whole = Math.trunc(value);
  return ofBigInt(BigInt(whole) * 10_000n + BigInt(Math.round((value - whole) * 1e4)));
}

function scaledOfDigits(text: string): Scaled {
  const [whole, fraction = ""] = text.split(".");
  return ofBigInt(
    BigInt(whole.replace("-", "") + fraction.slice(0, PLACES).padEnd(PLACES, "0")) * signOf(text),
  );
}

function signOf(text: string): bigint {
  return text.startsWith("-") ? -1n : 1n;
}

function ofBigInt(value: bigint): Scaled {
  const base = BigInt(BASE);
  let high = value / base;
  if (value < 0n && high * base !== value) high--;
  return { high: Number(high), low: Number(value - high * base) };
}
