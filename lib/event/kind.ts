/**
 * A kind: what an event of one sort must hold, and how its body becomes the cells of a row.
 *
 * `check` names every failing field, not the first. What the declaration does not know goes to `extra` as JSON text, so
 * nothing that was sent is lost and a later column can take it over.
 */
import type { FieldFault } from "../errors.ts";
import type { Cell, Column, Row } from "./column.ts";
import type { AddedColumns } from "./column_change.ts";
import { sha256Hex } from "./content_hash.ts";
import { extraText } from "./extra.ts";
import { type Field, type FieldReader, fieldReader, missing, timestampFault } from "./field.ts";
import { fieldColumn, fieldSchema, type JsonSchema } from "./field_schema.ts";
import type { TypedEvent } from "./judgement.ts";
import { ExactNumber } from "./exact_json.ts";
import { isJsonObject, type JsonObject, ownValue } from "./json_text.ts";
import { type Moment, readMoment } from "./timestamp.ts";

export type MutableRow = { [column: string]: Cell };

export interface KindDeclaration {
  name: string;
  /** Table in the stage `processed`, without the stage. */
  table: string;
  doc: string;
  /** Without `event_id` and `timestamp`, which every kind has. */
  fields: readonly Field[];
  /** The first that an event has is its partition key; without any, its event_id is. */
  partition: readonly string[];
  /** Columns computed from the row alone, and the function that sets each of them. */
  derived?: { columns: readonly Column[]; derive: (cells: MutableRow, event_time_ms: number) => void };
  /** Columns that the stream fills from what came before. */
  stream_columns?: readonly Column[];
  example: JsonObject;
}

export type Checked =
  | { ok: true; event: TypedEvent }
  | { ok: false; event_id: string | null; faults: FieldFault[] };

export interface Kind {
  readonly name: string;
  readonly table: string;
  readonly doc: string;
  /** The kind's own columns; the common ones are in common_columns.ts. */
  readonly columns: readonly Column[];
  /** What rules and windows may name besides, where somebody asked for it (lib/configuration.ts); no part of what `check` reads. */
  readonly added?: AddedColumns;
  /** Names of the columns that `check` leaves out because the stream fills them. */
  readonly stream_columns: readonly string[];
  readonly partition: readonly string[];
  readonly example: JsonObject;
  readonly schema: JsonSchema;
  /** Whether `body` is an event of this kind; the cells hold every own column but the stream's, and `extra`. */
  check(body: unknown): Checked;
  /** The partition key of a body, right or wrong, or null when it has neither the fields nor an event_id. */
  partitionKey(body: unknown): string | null;
}

interface Reading {
  name: string;
  alias: string | null;
  required: boolean;
  read: FieldReader;
  expected: string;
}

const EVENT_ID: Field = { name: "event_id", type: "id", doc: "The sender's id of the event." };
/** Longer values are told apart by their hash. */
const MAX_KEY_CHARACTERS = 400;
const TIMESTAMP: Field = { name: "timestamp", type: "timestamp", doc: "When it happened." };

/** Turns a declaration into the kind that checks. */
export function defineKind(declaration: KindDeclaration): Kind {
  const { fields, derived, stream_columns = [] } = declaration;
  const readings = fields.map(readingOf);
  const known = new Set(["event_id", "timestamp", ...fields.map((field) => field.name)]);
  return {
    name: declaration.name,
    table: declaration.table,
    doc: declaration.doc,
    columns: [...fields.map(fieldColumn), ...(derived?.columns ?? []), ...stream_columns],
    stream_columns: stream_columns.map((column) => column.name),
    partition: declaration.partition,
    example: declaration.example,
    schema: kindSchema(declaration),
    check(body) {
      if (!isJsonObject(body)) return notAnObject(body);
      const faults: FieldFault[] = [];
      const event_id = readEventId(body, faults);
      const moment = readTimestamp(body, faults);
      const cells: MutableRow = {};
      // An alias that gave its value to a field is no unknown field.
      let used_aliases: string[] | null = null;
      for (const reading of readings) {
        let value = own(body, reading.name);
        if ((value === undefined || value === null) && reading.alias !== null) {
          value = own(body, reading.alias);
          used_aliases = [...used_aliases ?? [], reading.alias];
        }
        if (value !== undefined && value !== null) cells[reading.name] = reading.read(value, faults);
        else {
          cells[reading.name] = null;
          if (reading.required) faults.push(missing(reading.name, reading.expected));
        }
      }
      if (faults.length > 0 || event_id === null || moment === null) return { ok: false, event_id, faults };
      derived?.derive(cells, moment.ms);
      cells.extra = extraText(body, (name) => known.has(name) || used_aliases?.includes(name) === true);
      return { ok: true, event: typedEvent(declaration.name, event_id, moment, cells) };
    },
    partitionKey: keyReader(declaration),
  };
}

function readingOf(field: Field): Reading {
  return {
    name: field.name,
    alias: field.alias ?? null,
    required: field.optional !== true,
    read: fieldReader(field),
    expected: field.type,
  };
}

function typedEvent(kind: string, event_id: string, moment: Moment, cells: Row): TypedEvent {
  return { kind, event_id, event_time_ms: moment.ms, event_time_sub_us: moment.sub_us, cells };
}

function notAnObject(body: unknown): Checked {
  return { ok: false, event_id: null, faults: [bodyFault(body)] };
}

/** The fault of a body that is no JSON object. */
export function bodyFault(body: unknown): FieldFault {
  const actual = body === null ? "null" : Array.isArray(body) ? "array" : typeof body;
  return { field: "", code: "invalid_type", expected: "object", actual };
}

/** A plain read, except for the few names that every object inherits. */
function own(body: JsonObject, name: string): unknown {
  return name in Object.prototype ? ownValue(body, name) : body[name];
}

const readIdCell = fieldReader(EVENT_ID);

function readEventId(body: JsonObject, faults: FieldFault[]): string | null {
  const value = body.event_id;
  if (value === undefined || value === null) {
    faults.push(missing("event_id", "id"));
    return null;
  }
  const cell = readIdCell(value, faults);
  return typeof cell === "string" ? cell : null;
}

function readTimestamp(body: JsonObject, faults: FieldFault[]): Moment | null {
  const value = body.timestamp;
  if (value === undefined || value === null) {
    faults.push(missing("timestamp", "timestamp"));
    return null;
  }
  const reading = readMoment(value);
  if (reading.ok) return reading.moment;
  faults.push(timestampFault("timestamp", reading.code, value));
  return null;
}

/**
 * The key is the normal form of the first partition field that a body has, so that equal cells of rows never are in two
 * partitions; an alias stands directly after its field.
 */
function keyReader({ partition, fields }: KindDeclaration): Kind["partitionKey"] {
  const declared = partition.flatMap((name) => fields.filter((field) => field.name === name));
  const places = declared.flatMap((field) => {
    const read = fieldReader(field);
    return [field.name, field.alias].filter((name) => name !== undefined).map((name) => ({ name, read }));
  });
  places.push({ name: EVENT_ID.name, read: readIdCell });
  // Where others follow, an empty text says nothing; alone it is a value like any other.
  const takes_empty = partition.length === 1;
  return (body) => {
    if (!isJsonObject(body)) return null;
    for (const { name, read } of places) {
      const value = own(body, name);
      if (value === undefined || value === null) continue;
      const key = keyText(read(value, []) ?? wrongCell(value));
      if (key !== null && (key !== "" || takes_empty)) return key;
    }
    return null;
  };
}

/** A number or a flag where something else was due; the record is a dead letter, and stays with its like. */
function wrongCell(value: unknown): Cell {
  const number = value instanceof ExactNumber ? Number(value.text) : value;
  return Number.isSafeInteger(number) || typeof number === "boolean" ? String(number) : null;
}

function keyText(cell: Cell): string | null {
  if (cell === null) return null;
  const text = String(cell);
  return text.length <= MAX_KEY_CHARACTERS ? text : sha256Hex(text);
}

function kindSchema({ name, doc, fields }: KindDeclaration): JsonSchema {
  const all = [EVENT_ID, TIMESTAMP, ...fields];
  const aliases = fields.filter((field) => field.alias !== undefined);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: name,
    description: doc,
    type: "object",
    properties: Object.fromEntries([
      ...all.map((field) => [field.name, nullable(field)]),
      ...aliases.map((field) => [field.alias, fieldSchema(field)]),
    ]),
    required: all.filter((field) => !field.optional && field.alias === undefined).map((field) => field.name),
    ...(aliases.length === 0 ? {} : {
      allOf: aliases.filter((field) => !field.optional).map((field) => ({
        anyOf: [{ required: [field.name] }, { required: [field.alias] }],
      })),
    }),
    additionalProperties: true,
  };
}

/** null counts as absent, so an optional field may be null. */
function nullable(field: Field): JsonSchema {
  const schema = fieldSchema(field);
  return field.optional ? { anyOf: [schema, { type: "null" }] } : schema;
}
