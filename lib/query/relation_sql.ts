/** Relations as CREATE VIEW statements, so that a query sees tables by name and columns by their Iceberg field ids. */
import type { Relation } from "./engine.ts";

type FilesRelation = Extract<Relation, { kind: "files" }>;

/** The statements that make `relations` visible: files before views, views in the order in which they came. */
export function relationStatements(relations: readonly Relation[]): string[] {
  const files = relations.filter((relation) => relation.kind === "files");
  const views = relations.filter((relation) => relation.kind === "view");
  const schemas = new Set(relations.map((relation) => nameParts(relation.name)[0]));
  return [
    ...[...schemas].map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`),
    ...files.map((relation) => `CREATE VIEW ${qualified(relation.name)} AS ${filesSelect(relation)}`),
    ...views.map((relation) => `CREATE VIEW ${qualified(relation.name)} AS ${relation.sql}`),
  ];
}

/** Old files lack new columns and may name the old ones differently: what counts is the field id. */
export function filesSelect(relation: FilesRelation): string {
  if (relation.paths.length === 0) {
    const columns = relation.columns.map((column) =>
      `CAST(NULL AS ${duckdbType(column.type)}) AS ${quoteName(column.name)}`
    );
    return `SELECT ${columns.join(", ") || "NULL AS nothing"} WHERE false`;
  }
  const paths = relation.paths.map(quoteText).join(", ");
  const fields = relation.columns.map((column) =>
    `${column.id}: {name: ${quoteText(column.name)}, type: ${quoteText(duckdbType(column.type))}, ` +
    `default_value: NULL}`
  );
  return `SELECT * FROM read_parquet([${paths}], schema = MAP {${fields.join(", ")}})`;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  boolean: "BOOLEAN",
  int: "INTEGER",
  long: "BIGINT",
  float: "FLOAT",
  double: "DOUBLE",
  string: "VARCHAR",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  timestamptz: "TIMESTAMP WITH TIME ZONE",
  uuid: "UUID",
  binary: "BLOB",
};

/** DuckDB's name of an Iceberg type in its JSON form. */
export function duckdbType(type: unknown): string {
  if (typeof type === "string") {
    const decimal = /^decimal\((\d{1,2}),\s*(\d{1,2})\)$/.exec(type);
    if (decimal) return `DECIMAL(${decimal[1]}, ${decimal[2]})`;
    if (/^fixed\[\d+\]$/.test(type)) return "BLOB";
    if (Object.hasOwn(PRIMITIVES, type)) return PRIMITIVES[type];
  } else if (typeof type === "object" && type !== null) {
    const nested = type as {
      type?: string;
      element?: unknown;
      key?: unknown;
      value?: unknown;
      fields?: unknown;
    };
    if (nested.type === "list") return `${duckdbType(nested.element)}[]`;
    if (nested.type === "map") return `MAP(${duckdbType(nested.key)}, ${duckdbType(nested.value)})`;
    if (nested.type === "struct") {
      const fields = nested.fields as readonly { name: string; type: unknown }[];
      return `STRUCT(${
        fields.map((field) => `${quoteName(field.name)} ${duckdbType(field.type)}`).join(", ")
      })`;
    }
  }
  throw new TypeError(`Cannot read the type ${JSON.stringify(type)}: no Iceberg type`);
}

function nameParts(name: string): [string, string] {
  const dot = name.indexOf(".");
  if (dot < 1) throw new TypeError(`Cannot register ${name}: a relation is called stage.table`);
  return [name.slice(0, dot), name.slice(dot + 1)];
}

function qualified(name: string): string {
  return nameParts(name).map(quoteName).join(".");
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
