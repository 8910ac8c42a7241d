/**
 * Declared fields: each becomes a closure that reads one JSON value into a cell or says what is wrong with it.
 *
 * The same declaration gives the column and the JSON Schema (field_schema.ts), so that what is checked, stored and
 * documented is one thing. The closures are the hot path of the whole program: no schema library, no allocation where all is well.
 */
import type { FieldFault } from "../errors.ts";
import type { Cell } from "./column.ts";
import { ExactNumber } from "./exact_json.ts";
import { isJsonObject } from "./json_text.ts";
import { isCurrency, readAmount, readDecimal } from "./money.ts";
import { readMoment, timestampCell } from "./timestamp.ts";

export const FIELD_TYPES = [
  "id",
  "text",
  "enum",
  "timestamp",
  "amount",
  "currency",
  "country",
  "number",
  "integer",
  "boolean",
  "object",
] as const;

export type FieldType = typeof FIELD_TYPES[number];

export interface Field {
  name: string;
  type: FieldType;
  /** One sentence; becomes the column's. */
  doc: string;
  optional?: boolean;
  /** Another name that senders use; when both are there, `name` wins and the other stays in `extra`. */
  alias?: string;
  /** Bounds of a number or integer, both included. */
  min?: number;
  max?: number;
  /** The list of an enum. */
  values?: readonly string[];
  /** How a text is brought to its normal form. */
  normal?: "trim_lower";
}

/** Reads a value that is neither absent nor null; pushes what is wrong and gives null. */
export type FieldReader = (value: unknown, faults: FieldFault[]) => Cell;

export const MAX_ID_CHARACTERS = 200;
const SHOWN_CHARACTERS = 100;

/** The closure that reads `field`. */
export function fieldReader(field: Field): FieldReader {
  switch (field.type) {
    case "id":
      return idReader(field);
    case "text":
      return textReader(field);
    case "enum":
      return enumReader(field);
    case "timestamp":
      return timestampReader(field);
    case "amount":
      return amountReader(field);
    case "currency":
      return currencyReader(field);
    case "country":
      return countryReader(field);
    case "number":
      return numberReader(field);
    case "integer":
      return integerReader(field);
    case "boolean":
      return (value, faults) =>
        typeof value === "boolean" ? value : wrongType(field.name, "boolean", value, faults);
    case "object":
      return (value, faults) =>
        isJsonObject(value) ? JSON.stringify(value) : wrongType(field.name, "object", value, faults);
  }
}

/** The fault of a field that is absent or null. */
export function missing(field: string, expected: string): FieldFault {
  return { field, code: "missing", expected };
}

/** `fault` with what was found, cut short. */
export function fieldFault(field: string, code: string, expected: string, value: unknown): FieldFault {
  return { field, code, expected, actual: shown(value) };
}

/** A text of 1 to 200 characters, as ids are. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && withinCharacters(value);
}

function withinCharacters(text: string): boolean {
  if (text.length <= MAX_ID_CHARACTERS) return true;
  return text.length <= 2 * MAX_ID_CHARACTERS && [...text].length <= MAX_ID_CHARACTERS;
}

function idReader({ name }: Field): FieldReader {
  return (value, faults) => {
    if (typeof value !== "string") return wrongType(name, "string", value, faults);
    if (isId(value)) return value;
    return wrong(name, "invalid_format", "1 to 200 characters", value, faults);
  };
}

function textReader({ name, normal }: Field): FieldReader {
  return (value, faults) => {
    if (typeof value !== "string") return wrongType(name, "string", value, faults);
    return normal === "trim_lower" ? value.trim().toLowerCase() : value;
  };
}

function enumReader({ name, values = [] }: Field): FieldReader {
  const known = new Set(values);
  return (value, faults) => {
    if (typeof value !== "string") return wrongType(name, "string", value, faults);
    return known.has(value) ? value : wrong(name, "invalid_enum", values.join(", "), value, faults);
  };
}

function timestampReader({ name }: Field): FieldReader {
  return (value, faults) => {
    const reading = readMoment(value);
    if (reading.ok) return timestampCell(reading.moment.ms, reading.moment.sub_us);
    faults.push(timestampFault(name, reading.code, value));
    return null;
  };
}

/** What is said of a timestamp that could not be read. */
export function timestampFault(name: string, code: string, value: unknown): FieldFault {
  const expected = code === "out_of_range"
    ? "a time from 1970 to 9999"
    : "milliseconds since 1970 or RFC 3339 text with T and an offset";
  return code === "invalid_type"
    ? { field: name, code, expected, actual: typeName(value) }
    : fieldFault(name, code, expected, value);
}

function amountReader({ name }: Field): FieldReader {
  return (value, faults) => {
    const reading = readAmount(value);
    if (reading.ok) return reading.text;
    if (reading.code === "invalid_type") return wrongType(name, "number or decimal text", value, faults);
    const expected = reading.code === "out_of_range"
      ? "not 0, below 10^14, at most 4 decimals"
      : "-?digits[.digits]";
    return wrong(name, reading.code, expected, value, faults);
  };
}

function currencyReader({ name }: Field): FieldReader {
  return (value, faults) => {
    if (typeof value !== "string") return wrongType(name, "string", value, faults);
    // Only letters of ASCII: others become such when they are made upper case.
    const code = THREE_LETTERS.test(value) ? value.toUpperCase() : "";
    return isCurrency(code) ? code : wrong(name, "invalid_enum", "an active ISO 4217 code", value, faults);
  };
}

const THREE_LETTERS = /^[A-Za-z]{3}$/;
const TWO_LETTERS = /^[A-Za-z]{2}$/;

function countryReader({ name }: Field): FieldReader {
  return (value, faults) => {
    if (typeof value !== "string") return wrongType(name, "string", value, faults);
    return TWO_LETTERS.test(value) ? value.toUpperCase() : wrong(
      name,
      "invalid_format",
      "two letters",
      value,
      faults,
    );
  };
}

function numberReader({ name, min = -Number.MAX_VALUE, max = Number.MAX_VALUE }: Field): FieldReader {
  const expected = bounds(min, max);
  return (value, faults) => {
    if (typeof value !== "number" && !(value instanceof ExactNumber)) {
      return wrongType(name, "number", value, faults);
    }
    const number = typeof value === "number" ? value : Number(value.text);
    // Adding 0 turns -0, which JSON text does not tell from 0, into 0.
    return number >= min && number <= max ? number + 0 : wrong(name, "out_of_range", expected, value, faults);
  };
}

function integerReader(field: Field): FieldReader {
  const { name, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = field;
  const expected = bounds(min, max);
  return (value, faults) => {
    if (!isInteger(value)) return wrongType(name, "integer", value, faults);
    const number = typeof value === "number" ? value : Number(value.text);
    return number >= min && number <= max ? number + 0 : wrong(name, "out_of_range", expected, value, faults);
  };
}

function isInteger(value: unknown): value is number | ExactNumber {
  if (typeof value === "number") return Number.isInteger(value);
  if (!(value instanceof ExactNumber)) return false;
  const decimal = readDecimal(value.text);
  return decimal !== null && decimal.scale <= 0;
}

function bounds(min: number, max: number): string {
  return `${min} to ${max}`;
}

function wrongType(name: string, expected: string, value: unknown, faults: FieldFault[]): null {
  faults.push({ field: name, code: "invalid_type", expected, actual: typeName(value) });
  return null;
}

function wrong(name: string, code: string, expected: string, value: unknown, faults: FieldFault[]): null {
  faults.push(fieldFault(name, code, expected, value));
  return null;
}

/** JSON's word for what a value is. */
export function typeName(value: unknown): string {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof ExactNumber || typeof value === "number") {
    return isInteger(value) ? "integer" : "number";
  }
  return typeof value;
}

function shown(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number" && !(value instanceof ExactNumber)) {
    return typeName(value);
  }
  const text = value instanceof ExactNumber ? value.text : String(value);
  // Cut by characters: a lone surrogate would not survive being stored.
  return text.length <= SHOWN_CHARACTERS
    ? text
    : [...text.slice(0, SHOWN_CHARACTERS)].slice(0, -1).join("") + "...";
}
