/** `stage.table`: how a table is named everywhere outside the catalog. */
import type { TableName } from "../iceberg/catalog.ts";

export function tableKey(name: TableName): string {
  return `${name.stage}.${name.name}`;
}

export function parseTableKey(key: string): TableName {
  const dot = key.indexOf(".");
  return { stage: key.slice(0, dot), name: key.slice(dot + 1) };
}
