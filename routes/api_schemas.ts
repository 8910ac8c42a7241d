/** The shapes of answers, as JSON Schema for the API's description. */
import { ALERT_COLUMNS } from "../lib/alert/alert.ts";
import { DEAD_LETTER_COLUMNS } from "../lib/event/dead_letter.ts";
import { STATE_ITEMS, STATE_SCHEMAS } from "./api_state_schemas.ts";
import {
  byName,
  exact,
  exactOrNull,
  integer,
  listed,
  listSchema,
  object,
  orNull,
  rowSchema,
  type Schema,
  text,
  time,
  timeOrNull,
} from "./json_schema.ts";

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
    doc: text("What it holds."),
    schema: { type: "object", description: "Of one table: its fields, as Iceberg names them." },
    partitioned_by: listed({ type: "string" }),
    schema_versions: integer,
    snapshots: integer,
  }, ["sql", "doc", "schema", "partitioned_by", "schema_versions", "snapshots"]),
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

const ALL_ITEMS = { ...ITEMS, ...STATE_ITEMS };
const LISTS = Object.fromEntries(Object.keys(ALL_ITEMS).map((name) => [`${name}List`, listSchema(name)]));

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
  ...STATE_SCHEMAS,
  ...ALL_ITEMS,
  ...LISTS,
  AlertList: listSchema("Alert", { suppressed: byName(integer) }),
};
