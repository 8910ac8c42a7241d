/**
 * DuckDB's values as JSON cells: nothing loses a digit, and every time says its zone.
 *
 * Integers and decimals are numbers while a double holds them exactly, else text. Timestamps are UTC ISO 8601 with Z
 * and three or six decimals (nine for nanoseconds). NaN and the infinities, which JSON lacks, are text.
 */
import {
  DuckDBArrayValue,
  DuckDBBlobValue,
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

/** Digits that every double holds. */
const SAFE_DIGITS = 15;

/** The JSON form of one value of any type. */
export function cellOf(value: DuckDBValue): unknown {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "bigint":
      return integerCell(value);
    case "number":
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
    return timestampCell(value.micros, String(value));
  }
  if (value instanceof DuckDBDecimalValue) return decimalCell(String(value));
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(cellOf);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, item]) => [name, cellOf(item)]));
  }
  if (value instanceof DuckDBMapValue) return mapCell(value);
  if (value instanceof DuckDBUnionValue) return cellOf(value.value);
  if (value instanceof DuckDBBlobValue) return base64(value.bytes);
  if (value instanceof DuckDBTimestampMillisecondsValue) {
    return timestampCell(value.millis * 1000n, String(value));
  }
  if (value instanceof DuckDBTimestampSecondsValue) {
    return timestampCell(value.seconds * 1_000_000n, String(value));
  }
  if (value instanceof DuckDBTimestampNanosecondsValue) {
    return /^\d/.test(String(value)) ? `${String(value).replace(" ", "T")}Z` : String(value);
  }
  return String(value);
}

function integerCell(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function decimalCell(text: string): number | string {
  const digits = text.replace(/^-?0*\.?0*/, "").replace(".", "");
  const significant = text.includes(".") ? digits.replace(/0+$/, "") : digits;
  return significant.length <= SAFE_DIGITS ? Number(text) : text;
}

/** Beyond what a Date can hold (and for the infinities) DuckDB's own text stands. */
function timestampCell(micros: bigint, text: string): string {
  const millis = Number(micros / 1000n - (micros % 1000n < 0n ? 1n : 0n));
  if (Math.abs(millis) > 8.64e15) return text;
  const iso = new Date(millis).toISOString();
  const rest = Number(((micros % 1000n) + 1000n) % 1000n);
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
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
