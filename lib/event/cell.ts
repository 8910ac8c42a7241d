/** A JSON value as the cell of a column, where it is one: what an added column takes over from the fields of events. */
import type { Cell, ColumnType } from "./column.ts";
import { ExactNumber } from "./exact_json.ts";
import { type Decimal, readDecimal, unscaled } from "./money.ts";
import { readMoment, timestampCell } from "./timestamp.ts";

const LONG_DIGITS = 19;
const LONG_LIMIT = 2n ** 63n;
const INT_LIMIT = 2 ** 31;

/** The types that a column may be added with, beside `decimal(p, s)`. */
export const PLAIN_TYPES = ["string", "boolean", "int", "long", "double", "timestamp"] as const;

/** Precision and scale of a decimal type; null for any other. */
export function decimalType(type: string): { precision: number; scale: number } | null {
  const match = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(type);
  if (!match) return null;
  const [precision, scale] = [Number(match[1]), Number(match[2])];
  return precision >= 1 && precision <= 38 && scale <= precision ? { precision, scale } : null;
}

/** The type that a table's column has by this text; null for one that no column is added with. */
export function typeNamed(text: string): ColumnType | null {
  const plain = PLAIN_TYPES.find((type) => type === text);
  if (plain !== undefined) return plain;
  const decimal = decimalType(text);
  return decimal === null ? null : `decimal(${decimal.precision}, ${decimal.scale})`;
}

/** undefined: the value is none of the type, and nothing is rounded or cut to make it one. A string takes any value, as JSON text. */
export function cellOf(type: string, value: unknown): Cell | undefined {
  if (value === null) return null;
  switch (type) {
    case "string":
      return typeof value === "string" ? value : JSON.stringify(value);
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "int":
      return intCell(value);
    case "long":
      return longCell(value);
    case "double":
      return doubleCell(value);
    case "timestamp": {
      const reading = readMoment(value);
      return reading.ok ? timestampCell(reading.moment.ms, reading.moment.sub_us) : undefined;
    }
    default:
      return decimalCell(type, value);
  }
}

function intCell(value: unknown): Cell | undefined {
  const cell = longCell(value);
  return typeof cell === "number" && cell >= -INT_LIMIT && cell < INT_LIMIT ? cell : undefined;
}

/** Beyond 2^53 as text. */
function longCell(value: unknown): Cell | undefined {
  const decimal = decimalOf(value, false);
  if (!decimal || decimal.scale > 0 || decimal.digits.length - decimal.scale > LONG_DIGITS) return undefined;
  const text = unscaled(decimal, 0);
  const whole = BigInt(text);
  if (whole < -LONG_LIMIT || whole >= LONG_LIMIT) return undefined;
  return Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

function doubleCell(value: unknown): Cell | undefined {
  const number = value instanceof ExactNumber ? Number(value.text) : value;
  return typeof number === "number" && Number.isFinite(number) ? number + 0 : undefined;
}

function decimalCell(type: string, value: unknown): Cell | undefined {
  const wanted = decimalType(type);
  const decimal = decimalOf(value, true);
  if (!wanted || !decimal) return undefined;
  const { precision, scale } = wanted;
  if (decimal.scale > scale || decimal.digits.length - decimal.scale > precision - scale) return undefined;
  const text = unscaled(decimal, scale).replace("-", "").padStart(scale + 1, "0");
  const sign = decimal.negative && decimal.digits !== "" ? "-" : "";
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

/** Of a number, and where `also_text` of a text that holds one. */
function decimalOf(value: unknown, also_text: boolean): Decimal | null {
  if (typeof value === "number") return readDecimal(String(value));
  if (value instanceof ExactNumber) return readDecimal(value.text);
  return also_text && typeof value === "string" ? readDecimal(value) : null;
}
