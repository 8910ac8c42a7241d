/**
 * Lower and upper bounds of columns: Iceberg's single-value binary form, and the cut that keeps long texts short.
 *
 * Values stand as in rows: timestamps, dates and decimals as text, longs beyond 2^53 as text. A bound may be wider than
 * the values it bounds, never narrower: a lower text is cut, an upper text is cut and its last character raised.
 */
import { dateText, dayOf, microsOf, timestampText } from "./calendar.ts";
import type { IcebergType } from "./metadata.ts";

export type BoundValue = string | number | boolean;

/** Characters (code points) that a text bound keeps. */
const TEXT_CHARACTERS = 16;
const HIGHEST_CODE_POINT = 0x10ffff;

/** The lower bound as bytes; null where the type has none. */
export function lowerBound(type: IcebergType, value: BoundValue): Uint8Array | null {
  return encodeBound(type, type === "string" ? cutLower(String(value)) : value);
}

/** The upper bound as bytes; null where the type or the value has none. */
export function upperBound(type: IcebergType, value: BoundValue): Uint8Array | null {
  const cut = type === "string" ? cutUpper(String(value)) : value;
  return cut === null ? null : encodeBound(type, cut);
}

export function cutLower(text: string): string {
  return firstCharacters(text, TEXT_CHARACTERS);
}

/** null when every kept character is the highest there is: then nothing short is above the text. */
export function cutUpper(text: string): string | null {
  const kept = firstCharacters(text, TEXT_CHARACTERS);
  if (kept.length === text.length) return text;
  const points = [...kept];
  while (points.length > 0) {
    const last = points.pop()!.codePointAt(0)!;
    if (last < HIGHEST_CODE_POINT) {
      // The surrogates are no characters.
      const next = last + 1 >= 0xd800 && last + 1 <= 0xdfff ? 0xe000 : last + 1;
      return points.join("") + String.fromCodePoint(next);
    }
  }
  return null;
}

function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let i = 0; i < count && end < text.length; i++) end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  return text.slice(0, end);
}

/** The exact value as bytes; null for types whose bounds are not kept, and for numbers that do not compare (NaN). */
export function encodeBound(type: IcebergType, value: BoundValue): Uint8Array | null {
  if (typeof type !== "string") return null;
  if (type.startsWith("decimal")) return decimalBytes(String(value), scaleOf(type));
  switch (type) {
    case "boolean":
      return new Uint8Array([value === true || value === "true" ? 1 : 0]);
    case "int":
      return packed(4, (view) => view.setInt32(0, Number(value), true));
    case "date":
      return packed(4, (view) => view.setInt32(0, dayOf(String(value)), true));
    case "long":
      return packed(8, (view) => view.setBigInt64(0, BigInt(value), true));
    case "timestamp":
    case "timestamptz":
      return packed(8, (view) => view.setBigInt64(0, microsOf(String(value)), true));
    case "float":
      if (Number.isNaN(Number(value))) return null;
      return packed(4, (view) => view.setFloat32(0, Number(value), true));
    case "double":
      if (Number.isNaN(Number(value))) return null;
      return packed(8, (view) => view.setFloat64(0, Number(value), true));
    case "string":
      return new TextEncoder().encode(String(value));
    default:
      return null;
  }
}

/** The value of bytes that `encodeBound` wrote for this type; null for types without bounds. */
export function decodeBound(type: IcebergType, bytes: Uint8Array): BoundValue | null {
  if (typeof type !== "string") return null;
  if (type.startsWith("decimal")) return decimalText(bytes, scaleOf(type));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case "boolean":
      return bytes[0] !== 0;
    case "int":
      return view.getInt32(0, true);
    case "date":
      return dateText(view.getInt32(0, true));
    case "long":
      // A bound written before the column was widened from int has four bytes.
      return bytes.length === 4 ? view.getInt32(0, true) : exact(view.getBigInt64(0, true));
    case "timestamp":
    case "timestamptz":
      return timestampText(view.getBigInt64(0, true));
    case "float":
      return view.getFloat32(0, true);
    case "double":
      return bytes.length === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
    case "string":
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    default:
      return null;
  }
}

function packed(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function scaleOf(type: string): number {
  const match = /^decimal\(\s*\d+\s*,\s*(\d+)\s*\)$/.exec(type);
  if (!match) throw new RangeError(`Cannot read type: ${type}`);
  return Number(match[1]);
}

/** Two's complement, big endian, as few bytes as hold the sign. */
function decimalBytes(text: string, scale: number): Uint8Array {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  const fraction = (match?.[3] ?? "").replace(/0+$/, "");
  if (!match || fraction.length > scale) {
    throw new RangeError(`Cannot bound decimal: ${text} at scale ${scale}`);
  }
  const size = BigInt(match[2] + fraction.padEnd(scale, "0"));
  const unscaled = match[1] ? -size : size;
  let width = 1;
  while (BigInt.asIntN(width * 8, unscaled) !== unscaled) width++;
  const bytes = new Uint8Array(width);
  let rest = unscaled;
  for (let i = width - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

function decimalText(bytes: Uint8Array, scale: number): string {
  let unscaled = 0n;
  for (const byte of bytes) unscaled = (unscaled << 8n) | BigInt(byte);
  unscaled = BigInt.asIntN(bytes.length * 8, unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const sign = unscaled < 0n ? "-" : "";
  const whole = digits.slice(0, digits.length - scale);
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-scale)}`;
}
