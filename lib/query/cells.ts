/**
 * DuckDB's values as JSON cells: nothing loses a digit, and every time says its zone.
 *
 * Integers and decimals are numbers while a double holds them exactly, else text. Timestamps are UTC ISO 8601 with Z
 * and three or six decimals (nine for nanoseconds). NaN, the infinities and -0.0, which JSON lacks, are text.
 */
import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from "@duckdb/node-api";

/** Below it every double holds all digits. */
const SAFE_DIGITS = 15;
const SAFE_UNSCALED = 10n ** 15n;
/** The greatest power of ten that a double is: a division by one beyond it errs. */
const SAFE_POWER = 22;

/** The JSON form of one value of any type. */
export function cellOf(value: DuckDBValue): unknown {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "bigint":
      return integerCell(value);
    case "number":
      if (Object.is(value, -0)) return "-0.0";
      return Number.isFinite(value) ? value : String(value);
    case "string":
    case "boolean":
      return value;
    default:
      return objectCell(value);
  }
}

function objectCell(value: Exclude<DuckDBValue, null | bigint | number | string | boolean>): unknown {
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) {
    return timestampCell(value.micros, value);
  }
  if (value instanceof DuckDBDecimalValue) return decimalCell(value);
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(cellOf);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, item]) => [name, cellOf(item)]));
  }
  if (value instanceof DuckDBMapValue) return mapCell(value);
  if (value instanceof DuckDBDateValue) return infinityOf(BigInt(value.days), MOST_DAYS) ?? String(value);
  if (value instanceof DuckDBUnionValue) return cellOf(value.value);
  if (value instanceof DuckDBBlobValue) return base64(value.bytes);
  if (value instanceof DuckDBTimestampMillisecondsValue) {
    return infinityOf(value.millis, MOST_TICKS) ?? timestampCell(value.millis * 1000n, value);
  }
  if (value instanceof DuckDBTimestampSecondsValue) {
    return infinityOf(value.seconds, MOST_TICKS) ?? timestampCell(value.seconds * 1_000_000n, value);
  }
  if (value instanceof DuckDBTimestampNanosecondsValue) {
    const text = String(value);
    return infinityOf(value.nanos, MOST_TICKS) ??
      (/^\d/.test(text) ? `${text.replace(" ", "T")}Z` : text);
  }
  return String(value);
}

const MOST_DAYS = 2n ** 31n - 1n;
const MOST_TICKS = 2n ** 63n - 1n;

/** The engine marks them by the greatest and least number; its client would write these as dates. */
function infinityOf(value: bigint, most: bigint): string | null {
  return value === most ? "infinity" : value === -most ? "-infinity" : null;
}

function integerCell(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function decimalCell({ value, scale }: DuckDBDecimalValue): number | string {
  if (value < SAFE_UNSCALED && value > -SAFE_UNSCALED) {
    return scale > SAFE_POWER ? Number(`${value}e-${scale}`) : Number(value) / 10 ** scale;
  }
  const digits = String(value < 0n ? -value : value);
  const text = `${value < 0n ? "-" : ""}${digits.slice(0, -scale || undefined).padStart(1, "0")}`;
  const fraction = scale === 0 ? "" : digits.slice(-scale).padStart(scale, "0");
  const significant = digits.replace(/0+$/, "").length;
  const exact = scale === 0 ? text : `${text}.${fraction}`;
  return significant <= SAFE_DIGITS && scale > 0 && digits.length - scale <= SAFE_DIGITS
    ? Number(exact)
    : exact;
}

/** Beyond what a Date can hold (and for the infinities) DuckDB's own text stands. */
function timestampCell(micros: bigint, value: { toString(): string }): string {
  const whole = Number(micros);
  if (!Number.isSafeInteger(whole)) return farTimestampCell(micros, value);
  const millis = Math.floor(whole / 1000);
  return isoText(millis, whole - millis * 1000);
}

function farTimestampCell(micros: bigint, value: { toString(): string }): string {
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const millis = Number((micros - rest) / 1000n);
  return Math.abs(millis) > 8.64e15 ? String(value) : isoText(millis, Number(rest));
}

const DAY_MS = 86_400_000;
const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, "0"));
let lastDay = NaN;
let lastDayText = "";

/** `Date.toISOString` with microseconds; neighbours mostly share their day, so its text is kept. */
function isoText(millis: number, micros: number): string {
  const day = Math.floor(millis / DAY_MS);
  if (day !== lastDay) {
    const iso = new Date(day * DAY_MS).toISOString();
    [lastDay, lastDayText] = [day, iso.slice(0, iso.indexOf("T") + 1)];
  }
  const within = millis - day * DAY_MS;
  const [seconds, fraction] = [Math.floor(within / 1000), within % 1000];
  const time = `${TWO_DIGITS[Math.floor(seconds / 3600)]}:${TWO_DIGITS[Math.floor(seconds / 60) % 60]}:` +
    TWO_DIGITS[seconds % 60];
  const digits = `.${String(fraction).padStart(3, "0")}${
    micros === 0 ? "" : String(micros).padStart(3, "0")
  }`;
  return `${lastDayText}${time}${digits}Z`;
}

/** A map with text keys is an object; any other is a list of [key, value]. */
function mapCell(map: DuckDBMapValue): unknown {
  const entries = map.entries.map(({ key, value }) => [cellOf(key), cellOf(value)] as const);
  if (entries.some(([key]) => typeof key !== "string")) return entries;
  return Object.fromEntries(entries as readonly (readonly [string, unknown])[]);
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
