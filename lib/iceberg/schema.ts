/**
 * Schemas: fields get ids from columns, and a schema changes without any file being written anew.
 *
 * A field is its id. Names and types may change, ids never do and are never used again: a file written under an older
 * schema is read by id, a column it lacks is null.
 */
import { Fault } from "../errors.ts";
import type { IcebergField, IcebergSchema, IcebergType } from "./metadata.ts";

/** A column before it has ids. */
export interface ColumnLike {
  name: string;
  type: ColumnTypeLike;
  doc?: string;
}

export type ColumnTypeLike =
  | string
  | { list: ColumnTypeLike }
  | { map: ColumnTypeLike }
  | { struct: readonly ColumnLike[] };

/** Fields with their ids, and the highest id ever given in the table. */
export interface NumberedFields {
  fields: IcebergField[];
  last_column_id: number;
}

export type SchemaChange =
  | { change: "add"; column: ColumnLike }
  | { change: "widen"; name: string; type: string }
  | { change: "rename"; name: string; to: string }
  | { change: "drop"; name: string };

/** Fields after `last_column_id`, the top level first, then what is nested in each, in order. */
export function numberFields(columns: readonly ColumnLike[], last_column_id = 0): NumberedFields {
  const ids = { last: last_column_id };
  return { fields: fieldsOf(columns, ids), last_column_id: ids.last };
}

export function schemaOf(numbered: NumberedFields, schema_id = 0): IcebergSchema {
  return { type: "struct", "schema-id": schema_id, fields: numbered.fields };
}

function fieldsOf(columns: readonly ColumnLike[], ids: { last: number }): IcebergField[] {
  const numbered = columns.map((column) => ({ column, id: ++ids.last }));
  return numbered.map(({ column: { name, type, doc }, id }) => ({
    id,
    name,
    required: false,
    type: typeOf(type, ids),
    ...(doc === undefined ? {} : { doc }),
  }));
}

function typeOf(type: ColumnTypeLike, ids: { last: number }): IcebergType {
  if (typeof type === "string") return type;
  if ("struct" in type) return { type: "struct", fields: fieldsOf(type.struct, ids) };
  if ("list" in type) {
    const id = ++ids.last;
    return { type: "list", "element-id": id, element: typeOf(type.list, ids), "element-required": false };
  }
  const key = ++ids.last;
  const value = ++ids.last;
  return {
    type: "map",
    "key-id": key,
    key: "string",
    "value-id": value,
    value: typeOf(type.map, ids),
    "value-required": false,
  };
}

/** The column that a field was made from. */
export function columnOf(field: IcebergField): ColumnLike {
  const { name, type, doc } = field;
  return { name, type: columnType(type), ...(doc === undefined ? {} : { doc }) };
}

function columnType(type: IcebergType): ColumnTypeLike {
  if (typeof type === "string") return type;
  if (type.type === "struct") return { struct: type.fields.map(columnOf) };
  return type.type === "list" ? { list: columnType(type.element) } : { map: columnType(type.value) };
}

/** Names that the format keeps for what readers add to a row: Spark refuses a table with a column of such a name. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...["_file", "_pos", "_deleted", "_spec_id", "_partition", "_row_id", "_last_updated_sequence_number"],
  ...["_change_type", "_change_ordinal", "_commit_snapshot_id"],
]);

/** `partitions`: names of partition fields, which no column may have either. */
export function refuseName(name: string, partitions: readonly string[] = []): void {
  const lower = name.toLowerCase();
  if (RESERVED_NAMES.has(lower)) throw refused(`name a column ${name}`, "Iceberg keeps the name for itself");
  if (partitions.some((one) => one.toLowerCase() === lower)) {
    throw refused(`name a column ${name}`, "it is the name of the table's partitions");
  }
}

/** The fields after one change; a Fault of the sender when the change would make old files unreadable. */
export function changeFields(from: NumberedFields, change: SchemaChange): NumberedFields {
  const { fields, last_column_id } = from;
  switch (change.change) {
    case "add": {
      refuseTaken(fields, change.column.name);
      const added = numberFields([change.column], last_column_id);
      return { fields: [...fields, ...added.fields], last_column_id: added.last_column_id };
    }
    case "widen":
      return {
        fields: replaceField(fields, change.name, (field) => widened(field, change.type)),
        last_column_id,
      };
    case "rename": {
      const others = fields.filter((field) => field.name !== change.name);
      refuseTaken(others, change.to);
      return {
        fields: replaceField(fields, change.name, (field) => ({ ...field, name: change.to })),
        last_column_id,
      };
    }
    case "drop":
      find(fields, change.name);
      return { fields: fields.filter((field) => field.name !== change.name), last_column_id };
  }
}

/** What `columns` have that a schema lacks, by name: what a newer program has to add to an older table. */
export function missingColumns(
  fields: readonly IcebergField[],
  columns: readonly ColumnLike[],
): SchemaChange[] {
  const known = new Set(fields.map((field) => field.name.toLowerCase()));
  return columns.filter((column) => !known.has(column.name.toLowerCase()))
    .map((column) => ({ change: "add", column }));
}

/** Whether every value of `from` is a value of `to`, read from a file that was written as `from`. */
export function canWiden(from: IcebergType, to: IcebergType): boolean {
  if (from === to) return true;
  if (from === "int" && to === "long") return true;
  if (from === "float" && to === "double") return true;
  const [was, is] = [from, to].map((type) =>
    typeof type === "string" ? /^decimal\((\d+), (\d+)\)$/.exec(type) : null
  );
  return was !== null && is !== null && was[2] === is[2] && Number(is[1]) >= Number(was[1]) &&
    Number(is[1]) <= 38;
}

function widened(field: IcebergField, type: string): IcebergField {
  if (!canWiden(field.type, type)) {
    throw refused(`widen column ${field.name}`, `${JSON.stringify(field.type)} does not fit into ${type}`);
  }
  return { ...field, type };
}

function replaceField(
  fields: readonly IcebergField[],
  name: string,
  change: (field: IcebergField) => IcebergField,
): IcebergField[] {
  const found = find(fields, name);
  return fields.map((field) => field === found ? change(field) : field);
}

function find(fields: readonly IcebergField[], name: string): IcebergField {
  const found = fields.find((field) => field.name === name);
  if (!found) throw refused(`change column ${name}`, "there is no such column");
  return found;
}

/** Engines compare names without regard to case. */
function refuseTaken(fields: readonly IcebergField[], name: string): void {
  const taken = fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
  if (taken) throw refused(`name a column ${name}`, `${taken.name} exists`);
}

function refused(what: string, state: string): Fault {
  return new Fault("schema_refused", `Cannot ${what}: ${state}`, { blame: "sender", retry: "never" });
}
