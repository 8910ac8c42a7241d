/** Iceberg types in DuckDB's words and back, and names and texts quoted for its SQL. */
import type { IcebergField, IcebergType } from "../iceberg/metadata.ts";
import type { ColumnTypeLike } from "../iceberg/schema.ts";

const PRIMITIVES: readonly [iceberg: string, duckdb: string][] = [
  ["boolean", "BOOLEAN"],
  ["int", "INTEGER"],
  ["long", "BIGINT"],
  ["float", "FLOAT"],
  ["double", "DOUBLE"],
  ["string", "VARCHAR"],
  ["date", "DATE"],
  ["time", "TIME"],
  ["timestamp", "TIMESTAMP"],
  ["timestamptz", "TIMESTAMP WITH TIME ZONE"],
  ["binary", "BLOB"],
];
const TO_DUCKDB = new Map(PRIMITIVES);
const TO_ICEBERG = new Map(PRIMITIVES.map(([iceberg, duckdb]) => [duckdb, iceberg]));

/** Results that engines widen: what a table keeps of them. */
const NARROWED = new Map([
  ["TINYINT", "int"],
  ["SMALLINT", "int"],
  ["UTINYINT", "int"],
  ["USMALLINT", "int"],
  ["UINTEGER", "long"],
  ["UBIGINT", "decimal(20, 0)"],
  ["HUGEINT", "decimal(38, 0)"],
]);

export function duckdbType(type: IcebergType): string {
  if (typeof type === "string") {
    const decimal = /^decimal\((\d+), ?(\d+)\)$/.exec(type);
    const name = decimal ? `DECIMAL(${decimal[1]}, ${decimal[2]})` : TO_DUCKDB.get(type);
    if (!name) throw new RangeError(`Cannot write type ${type}: DuckDB has none such`);
    return name;
  }
  if (type.type === "list") return `${duckdbType(type.element)}[]`;
  if (type.type === "map") return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`;
  const fields = type.fields.map((field) => `${quoteName(field.name)} ${duckdbType(field.type)}`);
  return `STRUCT(${fields.join(", ")})`;
}

/** The column type in which the values of a DuckDB type of the top level are kept; null when there is none. */
export function columnTypeOf(type: string): ColumnTypeLike | null {
  if (type.endsWith("[]")) {
    const element = columnTypeOf(type.slice(0, -2));
    return element === null ? null : { list: element };
  }
  const decimal = /^DECIMAL\((\d+), ?(\d+)\)$/.exec(type);
  if (decimal) return `decimal(${decimal[1]}, ${decimal[2]})`;
  return TO_ICEBERG.get(type) ?? NARROWED.get(type) ?? null;
}

/** The FIELD_IDS of a COPY: an id for each field and each group within. */
export function fieldIds(fields: readonly IcebergField[]): string {
  return `{${fields.map((field) => `${quoteText(field.name)}: ${idsOf(field.id, field.type)}`).join(", ")}}`;
}

function idsOf(id: number, type: IcebergType): string {
  if (typeof type === "string") return String(id);
  const own = `__duckdb_field_id: ${id}`;
  if (type.type === "list") return `{${own}, element: ${idsOf(type["element-id"], type.element)}}`;
  if (type.type === "struct") return `{${own}, ${fieldIds(type.fields).slice(1)}`;
  return `{${own}, key: ${idsOf(type["key-id"], type.key)}, value: ${idsOf(type["value-id"], type.value)}}`;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(", ")}]`;
}
