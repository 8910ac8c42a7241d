/** An answer as an Arrow IPC stream. What JSON cells hold as text beyond doubles becomes an exact Arrow number again. */
import {
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float64,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import type { QueryResult } from "./engine.ts";
import { distinctNames } from "./format.ts";

const DAY_MS = 86_400_000;

export function arrowBytes({ columns, rows }: QueryResult): Uint8Array<ArrayBuffer> {
  const names = distinctNames(columns.map((column) => column.name));
  const children = columns.map((column, at) => columnData(column.type, rows.map((row) => row[at] ?? null)));
  const schema = new Schema(names.map((name, at) => new Field(name, children[at].type, true)));
  const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children });
  const table = new Table(schema, [new RecordBatch(schema, data)]);
  return new Uint8Array(tableToIPC(table, "stream"));
}

/** Nested and rare types travel as their JSON or plain text. */
function columnData(type: string, cells: readonly unknown[]): Data {
  if (/^(?:U?(?:TINY|SMALL)INT|INTEGER)$/.test(type)) {
    return fixed(new Int32(), cells, Int32Array, (cell) => Number(cell));
  }
  if (type === "BIGINT" || type === "UINTEGER") {
    return fixed(new Int64(), cells, BigInt64Array, (cell) => BigInt(String(cell)));
  }
  if (/^(?:FLOAT|DOUBLE)$/.test(type)) {
    return fixed(new Float64(), cells, Float64Array, (cell) => Number(cell));
  }
  if (type === "DATE" && cells.every(isPlainDate)) {
    return fixed(new DateDay(), cells, Int32Array, (cell) => Math.floor(Date.parse(String(cell)) / DAY_MS));
  }
  if (/^TIMESTAMP(?: WITH TIME ZONE)?$/.test(type) && cells.every(isPlainTime)) {
    const zone = type === "TIMESTAMP" ? null : "UTC";
    return fixed(new TimestampMicrosecond(zone), cells, BigInt64Array, microsOf);
  }
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (decimal) return decimalData(Number(decimal[1]), Number(decimal[2]), cells);
  if ((type === "HUGEINT" || type === "UBIGINT") && cells.every(isDecimalSized)) {
    return decimalData(38, 0, cells);
  }
  if (type === "BOOLEAN") {
    return vectorFromArray(cells.map((cell) => cell as boolean | null), new Bool()).data[0];
  }
  const texts = cells.map((cell) => cell === null || typeof cell === "string" ? cell : JSON.stringify(cell));
  return vectorFromArray(texts, new Utf8()).data[0];
}

/** Arrow's decimals end a little before HUGEINT does. */
function isDecimalSized(cell: unknown): boolean {
  return cell === null || String(cell).replace("-", "").length <= 38;
}

/** The infinities of DATE and TIMESTAMP have no Arrow form: a column that holds one travels as text. */
function isPlainDate(cell: unknown): boolean {
  return cell === null || /^\d{4}-\d{2}-\d{2}$/.test(String(cell));
}

function isPlainTime(cell: unknown): boolean {
  return cell === null || /^\d{4}-.*Z$/.test(String(cell));
}

function microsOf(cell: unknown): bigint {
  const [seconds, fraction] = String(cell).slice(0, -1).split(".");
  return BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction.padEnd(6, "0"));
}

/** Column of values of one width. Arrow wants a bitmap of the rows that have a value. */
function fixed<T extends number | bigint, A extends ArrayBufferView & { [index: number]: T }>(
  type: DataType,
  cells: readonly unknown[],
  array: new (length: number) => A,
  convert: (cell: unknown) => T,
): Data {
  const values = new array(cells.length);
  cells.forEach((cell, at) => {
    if (cell !== null) values[at] = convert(cell);
  });
  return withValidity(type, cells, values);
}

const DECIMAL_WORDS = 2;

function decimalData(precision: number, scale: number, cells: readonly unknown[]): Data {
  const words = new BigUint64Array(cells.length * DECIMAL_WORDS);
  cells.forEach((cell, at) => {
    if (cell === null) return;
    const unscaled = unscaledOf(String(cell), scale);
    words[at * DECIMAL_WORDS] = BigInt.asUintN(64, unscaled);
    words[at * DECIMAL_WORDS + 1] = BigInt.asUintN(64, unscaled >> 64n);
  });
  return withValidity(new Decimal(scale, precision), cells, words);
}

/** Of a decimal as text, or as JavaScript writes a number that holds all its digits: `0.1`, `1e-7`. */
function unscaledOf(text: string, scale: number): bigint {
  const [mantissa, exponent = "0"] = text.replace(/^-/, "").split("e");
  const [whole, fraction = ""] = mantissa.split(".");
  const unscaled = BigInt(whole + fraction) * 10n ** BigInt(scale - fraction.length + Number(exponent));
  return text.startsWith("-") ? -unscaled : unscaled;
}

function withValidity(type: DataType, cells: readonly unknown[], values: ArrayBufferView): Data {
  const nullBitmap = new Uint8Array(Math.ceil(cells.length / 64) * 8);
  let nullCount = 0;
  cells.forEach((cell, at) => {
    if (cell === null) nullCount++;
    else nullBitmap[at >> 3] |= 1 << (at & 7);
  });
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  // The array that the type itself reads its values from, over the same bytes.
  const array = new type.ArrayType(
    data.buffer,
    data.byteOffset,
    data.byteLength / type.ArrayType.BYTES_PER_ELEMENT,
  );
  return makeData({ type: type as Int32, length: cells.length, nullCount, nullBitmap, data: array });
}
