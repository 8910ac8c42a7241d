/**
 * Data files of any age as a relation: columns are found by field id, so that a file from before a change of the schema
 * reads as the table is now. What a file lacks is null, what it has too much of is not read, what was widened is cast.
 */
import type { IcebergField } from "../iceberg/metadata.ts";
import { duckdbType, quoteList, quoteName, quoteText } from "./duckdb_type.ts";

/** A SELECT that gives the columns of `fields`, in that order; of no files it gives no rows. */
export function parquetRelation(paths: readonly string[], fields: readonly IcebergField[]): string {
  if (paths.length === 0) {
    const nothing = fields.map((field) =>
      `CAST(NULL AS ${duckdbType(field.type)}) AS ${quoteName(field.name)}`
    );
    return `SELECT ${nothing.join(", ") || "NULL"} WHERE false`;
  }
  const schema = fields.map((field) =>
    `${field.id}: {name: ${quoteText(field.name)}, type: ${
      quoteText(duckdbType(field.type))
    }, default_value: NULL}`
  );
  const columns = fields.map((field) => quoteName(field.name)).join(", ");
  return `SELECT ${columns} FROM read_parquet(${quoteList(paths)}, schema = MAP {${schema.join(", ")}})`;
}

/** A query of one row, `rows` and `fingerprint`: equal for equal rows in any order. */
export function fingerprintQuery(relation: string, fields: readonly IcebergField[]): string {
  const columns = fields.map((field) => quoteName(field.name)).join(", ");
  return `SELECT CAST(count(*) AS BIGINT) AS rows, ` +
    `CAST(coalesce(sum(CAST(hash(${columns}) AS HUGEINT)), 0) AS VARCHAR) AS fingerprint FROM (${relation})`;
}
