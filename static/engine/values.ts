/**
 * Reads cells out of Arrow columns, exactly: decimals by their scale, 64-bit integers as BigInt, times to the
 * microsecond. Works on the raw buffers, because the library's own getters lose digits of all three.
 */
import { type Data, DataType, Precision, TimeUnit } from "./arrow.ts";

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
  if (DataType.isNull(type)) return null;
  if (DataType.isBool(type)) return ((data.values[index >> 3] >> (index & 7)) & 1) === 1;
  if (DataType.isInt(type) || DataType.isFloat(type)) return data.values[index];
  if (DataType.isUtf8(type)) return textAt(data, index);
  if (DataType.isDecimal(type)) return decimalText(words(data, index, 4), type.scale);
  if (DataType.isTimestamp(type)) return timestampText(BigInt(signed64(data, index)), type.unit);
  if (DataType.isDate(type)) return dateText(data.values[index]);
  if (DataType.isTime(type)) return timeText(BigInt(data.values[index]), type.unit);
  if (DataType.isInterval(type)) return intervalText(words(data, index, 4));
  if (DataType.isBinary(type)) return bytesAt(data, index);
  if (DataType.isDictionary(type)) return dictionaryCell(data, index);
  return nestedCell(data, index);
}

function nestedCell(data: Data, index: number): Cell {
  const { type } = data;
  if (DataType.isStruct(type)) {
    return { entries: type.children.map((field, at) => [field.name, readCell(data.children[at], index)]) };
  }
  if (DataType.isList(type)) return range(data, index).map((at) => readCell(data.children[0], at));
  if (DataType.isMap(type)) {
    const [keys, values] = data.children[0].children;
    return { entries: range(data, index).map((at) => [readCell(keys, at), readCell(values, at)]) };
  }
  return `(${type})`;
}

function dictionaryCell(data: Data, index: number): Cell {
  const dictionary = data.dictionary;
  if (!dictionary) return null;
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

const DECODER = new TextDecoder();

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

const PER_SECOND: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
};

function timestampText(value: bigint, unit: TimeUnit): string {
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
  return Math.abs(milliseconds) > 8.64e15 ? String(days) : new Date(milliseconds).toISOString().slice(0, -14);
}

function timeText(value: bigint, unit: TimeUnit): string {
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
    texts.push(sign + timeText(nanoseconds < 0n ? -nanoseconds : nanoseconds, TimeUnit.NANOSECOND));
  }
  return texts.join(" ");
}

/** SQL's name of an Arrow type. */
export function sqlType(type: DataType): string {
  if (DataType.isInt(type)) return intName(type.bitWidth, type.isSigned);
  if (DataType.isFloat(type)) return type.precision === Precision.DOUBLE ? "DOUBLE" : "FLOAT";
  if (DataType.isBool(type)) return "BOOLEAN";
  if (DataType.isUtf8(type)) return "VARCHAR";
  if (DataType.isDecimal(type)) {
    return type.precision === 38 && type.scale === 0 ? "HUGEINT" : `DECIMAL(${type.precision},${type.scale})`;
  }
  if (DataType.isTimestamp(type)) return type.timezone ? "TIMESTAMPTZ" : "TIMESTAMP";
  if (DataType.isDate(type)) return "DATE";
  if (DataType.isTime(type)) return "TIME";
  if (DataType.isInterval(type)) return "INTERVAL";
  if (DataType.isBinary(type)) return "BLOB";
  if (DataType.isDictionary(type)) return "ENUM";
  if (DataType.isList(type)) return `${sqlType(type.valueType)}[]`;
  if (DataType.isMap(type)) return `MAP(${sqlType(type.keyType)}, ${sqlType(type.valueType)})`;
  if (DataType.isStruct(type)) {
    return `STRUCT(${type.children.map((field) => `${field.name} ${sqlType(field.type)}`).join(", ")})`;
  }
  return String(type).toUpperCase();
}

function intName(bits: number, isSigned: boolean): string {
  const name = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT" }[bits] ?? "INTEGER";
  return isSigned ? name : `U${name}`;
}

export function kindOf(type: DataType): ColumnKind {
  if (DataType.isInt(type) || DataType.isFloat(type) || DataType.isDecimal(type)) return "number";
  if (DataType.isBool(type)) return "boolean";
  if (DataType.isTimestamp(type) || DataType.isDate(type) || DataType.isTime(type)) return "time";
  if (DataType.isBinary(type)) return "binary";
  if (DataType.isList(type) || DataType.isMap(type) || DataType.isStruct(type)) return "nested";
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
