/** The engine's name of an Iceberg type as the API gives it: a name, or nested objects in Iceberg's or our short form. Pure. */
import { quoteIdentifier } from "../sql/names.ts";

const NAMES: Readonly<Record<string, string>> = {
  boolean: "BOOLEAN",
  int: "INTEGER",
  long: "BIGINT",
  float: "FLOAT",
  double: "DOUBLE",
  string: "VARCHAR",
  uuid: "VARCHAR",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  timestamptz: "TIMESTAMP",
  binary: "BLOB",
};

interface NestedType {
  type?: string;
  element?: unknown;
  key?: unknown;
  value?: unknown;
  fields?: readonly { name: string; type: unknown }[];
  list?: unknown;
  map?: unknown;
  struct?: readonly { name: string; type: unknown }[];
}

export function engineType(type: unknown): string {
  if (typeof type === "string") return NAMES[type] ?? decimalOrText(type);
  if (typeof type !== "object" || type === null) return "VARCHAR";
  const nested = type as NestedType;
  if (nested.type === "list" || nested.list !== undefined) {
    return `${engineType(nested.element ?? nested.list)}[]`;
  }
  if (nested.type === "map" || nested.map !== undefined) {
    return `MAP(${engineType(nested.key ?? "string")}, ${engineType(nested.value ?? nested.map)})`;
  }
  const fields = nested.fields ?? nested.struct ?? [];
  return `STRUCT(${
    fields.map((field) => `${quoteIdentifier(field.name)} ${engineType(field.type)}`).join(", ")
  })`;
}

function decimalOrText(type: string): string {
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type);
  return decimal ? `DECIMAL(${decimal[1]},${decimal[2]})` : "VARCHAR";
}
