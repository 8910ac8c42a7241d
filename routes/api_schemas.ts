/** The shapes of answers, as JSON Schema for the API's description. */
import { ALERT_COLUMNS } from "../lib/alert/alert.ts";
import type { Column, ColumnType } from "../lib/event/column.ts";
import { DEAD_LETTER_COLUMNS } from "../lib/event/dead_letter.ts";

export type Schema = Readonly<Record<string, unknown>>;

const text = (description?: string): Schema => ({ type: "string", ...(description ? { description } : {}) });
const orNull = (type: string): Schema => ({ type: [type, "null"] });
const integer: Schema = { type: "integer" };
const time: Schema = { type: "string", format: "date-time" };
const timeOrNull: Schema = { type: ["string", "null"], format: "date-time" };
/** A number, or text where a double would lose digits. */
const exact: Schema = { type: ["number", "string"] };
const exactOrNull: Schema = { type: ["number", "string", "null"] };
const listed = (items: Schema): Schema => ({ type: "array", items });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

/** A row as the API gives it: times say their zone, numbers keep their digits. */
function rowSchema(columns: readonly Column[], more: Readonly<Record<string, Schema>> = {}): Schema {
  const cells = columns.map(({ name, type, doc }) => [name, { ...cellSchema(type), description: doc }]);
  return object({ ...Object.fromEntries(cells), ...more });
}

function cellSchema(type: ColumnType): Schema {
  if (typeof type !== "string") {
    if ("list" in type) return { type: ["array", "null"], items: cellSchema(type.list) };
    if ("map" in type) return { type: ["object", "null"], additionalProperties: cellSchema(type.map) };
    return rowSchema(type.struct);
  }
  if (type === "timestamp") return timeOrNull;
  if (type === "boolean") return orNull("boolean");
  if (type === "string") return orNull("string");
  return type === "int" ? orNull("integer") : exactOrNull;
}

const FieldFault = object(
  { field: text(), code: text(), expected: text(), actual: text() },
  ["expected", "actual"],
);

const ITEMS: Readonly<Record<string, Schema>> = {
  Table: object({
    name: text("stage.table"),
    kind: { enum: ["table", "view"] },
    sql: text("Of a view."),
    rows: orNull("integer"),
    files: orNull("integer"),
    bytes: orNull("integer"),
    snapshot_id: orNull("integer"),
    committed_at: timeOrNull,
    watermark: timeOrNull,
    freshness_seconds: orNull("number"),
    metadata_location: orNull("string"),
    schema: { type: "object", description: "Of one table: its fields, as Iceberg names them." },
  }, ["sql", "schema"]),
  Snapshot: object({
    snapshot_id: integer,
    parent_snapshot_id: orNull("integer"),
    committed_at: time,
    operation: text(),
    rows: integer,
    added_rows: integer,
    files: integer,
    bytes: integer,
    schema_id: integer,
  }),
  Trend: object({
    day: { type: "string", format: "date" },
    currency: text(),
    total: exact,
    count: integer,
    average: { type: "number" },
    running_mean: { type: "number" },
  }),
  Anomaly: object({
    alert_id: text(),
    rule: text(),
    severity: text(),
    user_id: orNull("string"),
    event_id: text(),
    event_time: time,
    amount: exactOrNull,
    currency: orNull("string"),
    z_score: orNull("number"),
  }),
  Merchant: object({
    merchant_id: text(),
    merchant_name: orNull("string"),
    currency: text(),
    revenue: exact,
    count: integer,
  }),
  Alert: rowSchema(ALERT_COLUMNS, { acknowledged_by: orNull("string"), acknowledged_at: timeOrNull }),
  DeadLetter: rowSchema(DEAD_LETTER_COLUMNS, { state: { enum: ["open", "replayed"] } }),
};

const LISTS = Object.fromEntries(
  Object.keys(ITEMS).map((
    name,
  ) => [`${name}List`, object({ items: listed(ref(name)), cursor: orNull("string") })]),
);

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Problem: object({
    type: text(),
    title: text(),
    status: integer,
    detail: text(),
    code: text("A short word for machines."),
    errors: listed(FieldFault),
  }, ["code", "errors"]),
  Accepted: object({ id: orNull("string"), duplicate: { type: "boolean" } }, ["duplicate"]),
  Ingested: object({
    accepted: integer,
    duplicates: integer,
    rejected: listed(object({ index: integer, reason: text() })),
  }),
  FileList: object({
    snapshot_id: orNull("integer"),
    committed_at: timeOrNull,
    schema: listed({ type: "object" }),
    files: listed(object({
      name: text(),
      url: text("In this server."),
      size_bytes: integer,
      rows: integer,
      min: { type: "object" },
      max: { type: "object" },
    })),
  }),
  QueryResult: object({
    columns: listed(object({ name: text(), type: text() })),
    rows: listed({ type: "array" }),
    truncated: { type: "boolean" },
    elapsed_ms: { type: "number" },
  }),
  Replayed: object({ matched: integer, replayed: integer, skipped: integer }),
  ...ITEMS,
  ...LISTS,
};
