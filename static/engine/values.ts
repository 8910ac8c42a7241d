/**
 * Reads cells out of Arrow columns, exactly: decimals by their scale, 64-bit integers as BigInt, times to the
 * microsecond. Works on the raw buffers, because the library's own getters lose digits of all three.
 */
import { quoteIdentifier } from "../sql/names.ts";
import { type Data, type DataType, isDouble, isType, PER_SECOND } from "./arrow.ts";

/** A cell as JavaScript has it. Decimals, times and UUIDs are text in SQL's own form; nested values are lists. */
export type Cell = null | boolean | number | bigint | string | Uint8Array | Cell[] | NestedCell;
/** A struct or a map, in order. */
export interface NestedCell {
  entries: [Cell, Cell][];
}

export type ColumnKind = "number" | "boolean" | "text" | "time" | "nested" | "binary";

export function readCell(data: Data, index: number): Cell {
  if (!data.getValid(index)) return null;
  const { type } = data;
  if (isType.null(type)) return null;
  if (isType.bool(type)) return ((data.values[index >> 3] >> (index & 7)) & 1) === 1;
  if (isType.int(type)) return data.values[index];
  if (isType.float(type)) return isDouble(type) ? data.values[index] : shortestFloat(data.values[index]);
  if (isType.utf8(type)) return textAt(data, index);
  if (isType.decimal(type)) return decimalText(words(data, index, 4), type.scale);
  if (isType.timestamp(type)) return timestampText(BigInt(signed64(data, index)), type.unit);
  if (isType.date(type)) return dateText(data.values[index]);
  if (isType.time(type)) return timeText(BigInt(data.values[index]), type.unit);
  if (isType.interval(type)) return intervalText(words(data, index, 4));
  if (isType.binary(type)) return bytesAt(data, index);
  if (isType.dictionary(type)) return dictionaryCell(data, index);
  return nestedCell(data, index);
}

/** Six digits of a 32-bit float are always its own, nine say it exactly. */
const FLOAT_DIGITS = [6, 7, 8, 9];

/** The shortest number that is the same 32-bit float, 0.1 instead of 0.10000000149011612; the tiniest get a digit more. */
export function shortestFloat(value: number): number {
  // Digits of the negative zero have no sign.
  if (value === 0) return value;
  const short = FLOAT_DIGITS.map((digits) => Number(value.toPrecision(digits)));
  return short.find((one) => Math.fround(one) === value) ?? value;
}

function nestedCell(data: Data, index: number): Cell {
  const { type } = data;
  if (isType.struct(type)) {
    return { entries: type.children.map((field, at) => [field.name, readCell(data.children[at], index)]) };
  }
  if (isType.list(type)) return range(data, index).map((at) => readCell(data.children[0], at));
  if (isType.fixedSizeList(type)) {
    const { listSize } = type;
    return Array.from({ length: listSize }, (_, at) => readCell(data.children[0], index * listSize + at));
  }
  if (isType.map(type)) {
    const [keys, values] = data.children[0].children;
    return { entries: range(data, index).map((at) => [readCell(keys, at), readCell(values, at)]) };
  }
  return `(${type})`;
}

/** The engine's stream leaves out what the numbers of an ENUM stand for: better no value than one that looks like NULL. */
const UNSENT = "(ENUM: cast it to VARCHAR)";

function dictionaryCell(data: Data, index: number): Cell {
  const dictionary = data.dictionary;
  if (!dictionary?.length) return UNSENT;
  let key = Number(data.values[index]);
  for (const part of dictionary.data) {
    if (key < part.length) return readCell(part, key);
    key -= part.length;
  }
  return null;
}

function range(data: Data, index: number): number[] {
  const [from, to] = [Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1])];
  return Array.from({ length: to - from }, (_, at) => from + at);
}

const NANOSECONDS = 3;
/** A byte order mark at the beginning of a text is part of it. */
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

function bytesAt(data: Data, index: number): Uint8Array {
  return data.values.subarray(Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1]));
}

function textAt(data: Data, index: number): string {
  return DECODER.decode(bytesAt(data, index));
}

/** `count` 32-bit words of one value, lowest first. */
function words(data: Data, index: number, count: number): ArrayLike<number> {
  return data.values.subarray(index * count, index * count + count);
}

function signed64(data: Data, index: number): bigint {
  const { values } = data;
  if (values instanceof BigInt64Array) return values[index];
  return (BigInt(values[2 * index + 1]) << 32n) + BigInt(values[2 * index] >>> 0);
}

/** Two's complement of four words as a whole number, and its text at a scale. */
export function decimalText(parts: ArrayLike<number>, scale: number): string {
  let unscaled = 0n;
  for (let at = 3; at >= 0; at--) unscaled = (unscaled << 32n) + BigInt(parts[at] >>> 0);
  unscaled = BigInt.asIntN(128, unscaled);
  if (scale <= 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function timestampText(value: bigint, unit: number): string {
  const perSecond = PER_SECOND[unit];
  let seconds = value / perSecond;
  if (seconds * perSecond > value) seconds -= 1n;
  const milliseconds = Number(seconds) * 1000;
  if (Math.abs(milliseconds) > 8.64e15) return value > 0n ? "infinity" : "-infinity";
  const fraction = value - seconds * perSecond;
  const whole = new Date(milliseconds).toISOString().replace("T", " ").slice(0, -5);
  return whole + fractionText(fraction, perSecond);
}

function fractionText(fraction: bigint, perSecond: bigint): string {
  if (fraction === 0n) return "";
  return `.${String(fraction).padStart(String(perSecond).length - 1, "0").replace(/0+$/, "")}`;
}

function dateText(days: number): string {
  const milliseconds = days * 86_400_000;
  if (Math.abs(milliseconds) > 8.64e15) return days > 0 ? "infinity" : "-infinity";
  return new Date(milliseconds).toISOString().slice(0, -14);
}

function timeText(value: bigint, unit: number): string {
  const perSecond = PER_SECOND[unit];
  const seconds = Number(value / perSecond);
  const two = (part: number) => String(Math.floor(part)).padStart(2, "0");
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}` +
    fractionText(value % perSecond, perSecond);
}

function intervalText(parts: ArrayLike<number>): string {
  const [months, days] = [parts[0] | 0, parts[1] | 0];
  const nanoseconds = (BigInt(parts[3] | 0) << 32n) + BigInt(parts[2] >>> 0);
  const texts: string[] = [];
  if (months !== 0) texts.push(`${months} months`);
  if (days !== 0) texts.push(`${days} days`);
  if (nanoseconds !== 0n || texts.length === 0) {
    const sign = nanoseconds < 0n ? "-" : "";
    texts.push(sign + timeText(nanoseconds < 0n ? -nanoseconds : nanoseconds, NANOSECONDS));
  }
  return texts.join(" ");
}

/** SQL's name of an Arrow type. */
export function sqlType(type: DataType): string {
  if (isType.int(type)) return intName(type.bitWidth, type.isSigned);
  if (isType.float(type)) return isDouble(type) ? "DOUBLE" : "FLOAT";
  if (isType.bool(type)) return "BOOLEAN";
  if (isType.utf8(type)) return "VARCHAR";
  if (isType.decimal(type)) {
    return type.precision === 38 && type.scale === 0 ? "HUGEINT" : `DECIMAL(${type.precision},${type.scale})`;
  }
  if (isType.timestamp(type)) {
    return type.timezone ? "TIMESTAMPTZ" : type.unit === NANOSECONDS ? "TIMESTAMP_NS" : "TIMESTAMP";
  }
  if (isType.date(type)) return "DATE";
  if (isType.time(type)) return "TIME";
  if (isType.interval(type)) return "INTERVAL";
  if (isType.binary(type)) return "BLOB";
  if (isType.dictionary(type)) return "ENUM";
  if (isType.list(type)) return `${sqlType(type.valueType)}[]`;
  if (isType.fixedSizeList(type)) return `${sqlType(type.valueType)}[${type.listSize}]`;
  if (isType.map(type)) return `MAP(${sqlType(type.keyType)}, ${sqlType(type.valueType)})`;
  if (isType.struct(type)) {
    return `STRUCT(${
      type.children.map((field) => `${plainName(field.name)} ${sqlType(field.type)}`).join(", ")
    })`;
  }
  return String(type).toUpperCase();
}

/** A field's name as it must be written. */
function plainName(name: string): string {
  return /^[a-z_]\w*$/i.test(name) ? name : quoteIdentifier(name);
}

function intName(bits: number, isSigned: boolean): string {
  const name = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT" }[bits] ?? "INTEGER";
  return isSigned ? name : `U${name}`;
}

export function kindOf(type: DataType): ColumnKind {
  if (isType.int(type) || isType.float(type) || isType.decimal(type)) return "number";
  if (isType.bool(type)) return "boolean";
  if (isType.timestamp(type) || isType.date(type) || isType.time(type)) return "time";
  if (isType.binary(type)) return "binary";
  if ([isType.list, isType.fixedSizeList, isType.map, isType.struct].some((is) => is(type))) return "nested";
  return "text";
}

/** How a cell reads in the grid, in a copy and in a CSV file. NULL is the caller's business. */
export function cellText(cell: Exclude<Cell, null>): string {
  if (typeof cell === "string") return cell;
  if (typeof cell === "object") return nestedText(cell);
  return String(cell);
}

function nestedText(cell: Cell): string {
  if (cell === null) return "NULL";
  if (cell instanceof Uint8Array) return `\\x${hex(cell)}`;
  if (Array.isArray(cell)) return `[${cell.map(nestedText).join(", ")}]`;
  if (typeof cell === "object") {
    return `{${cell.entries.map(([key, value]) => `${nestedText(key)}: ${nestedText(value)}`).join(", ")}}`;
  }
  return String(cell);
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A cell as JSON has it; whole numbers beyond 2^53 stay exact as text, and so do NaN and the infinities, which JSON lacks. */
export function jsonOf(cell: Cell): unknown {
  if (typeof cell === "number" && !Number.isFinite(cell)) return String(cell);
  if (typeof cell === "bigint") return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell);
  if (cell instanceof Uint8Array) return cellText(cell);
  if (Array.isArray(cell)) return cell.map(jsonOf);
  if (typeof cell === "object" && cell !== null) {
    return Object.fromEntries(
      cell.entries.map(([key, value]) => [key === null ? "null" : cellText(key), jsonOf(value)]),
    );
  }
  return cell;
}
