/**
 * Rows of segments as a relation: zstd-compressed NDJSON, read with explicit types and no guessing.
 *
 * Rows were written under some schema of their table and are wanted under another, newer one: a field that was renamed
 * meanwhile is found by its id, one that was widened is cast, one that did not exist yet is null, one that was dropped
 * is not read.
 */
import type { IcebergField } from "../iceberg/metadata.ts";
import { duckdbType, quoteList, quoteName, quoteText } from "./duckdb_type.ts";

/** A row longer than this is refused by the reader. */
export const LONGEST_ROW_BYTES = 64 * 1024 * 1024;
/** The reader's buffers are twice as large as the longest row, one a thread; smaller ones would save nothing. */
const LEAST_ROW_BYTES = 1024 * 1024;

export interface NdjsonRows {
  /** Local files. */
  paths: readonly string[];
  /** The schema that the rows were written under; `wanted` when they are the same. */
  written?: readonly IcebergField[];
  /** No row is longer: what it costs to read them. */
  longest_row_bytes?: number;
}

/** A SELECT that gives the columns of `wanted`, in that order. */
export function ndjsonRelation(rows: NdjsonRows, wanted: readonly IcebergField[]): string {
  const byId = new Map((rows.written ?? wanted).map((field) => [field.id, field]));
  const read = wanted.map((field) => byId.get(field.id)).filter((field) => field !== undefined);
  const columns = wanted.map((field) => {
    const from = byId.get(field.id);
    const value = !from
      ? `CAST(NULL AS ${duckdbType(field.type)})`
      : duckdbType(from.type) === duckdbType(field.type)
      ? quoteName(from.name)
      : `CAST(${quoteName(from.name)} AS ${duckdbType(field.type)})`;
    return `${value} AS ${quoteName(field.name)}`;
  });
  return `SELECT ${columns.join(", ")} FROM ${readJson(rows, read)}`;
}

/** At least one column has to be named, or the reader would look for its own. */
function readJson(rows: NdjsonRows, fields: readonly IcebergField[]): string {
  const types = fields.map((field) => `${quoteText(field.name)}: ${quoteText(duckdbType(field.type))}`);
  const longest = Math.min(LONGEST_ROW_BYTES, Math.max(LEAST_ROW_BYTES, rows.longest_row_bytes ?? Infinity));
  const options = [
    "format = 'newline_delimited'",
    "compression = 'zstd'",
    "records = true",
    "auto_detect = false",
    "ignore_errors = false",
    `maximum_object_size = ${longest}`,
    `columns = {${types.length > 0 ? types.join(", ") : "'': 'VARCHAR'"}}`,
  ];
  return `read_json(${quoteList(rows.paths)}, ${options.join(", ")})`;
}
