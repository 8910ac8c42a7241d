/** One COPY: rows into one Parquet file, and what DuckDB tells of it. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { IcebergField } from "../iceberg/metadata.ts";
import { fieldIds, quoteName, quoteText } from "./duckdb_type.ts";
import { textStats } from "./return_stats.ts";
import type { TextStats, WrittenFile } from "./statistics.ts";

export interface FileRequest {
  /** Gives exactly the columns of `columns`, in their order. */
  select: string;
  columns: readonly IcebergField[];
  /** Column names; empty: the order that `select` gives is kept. */
  order_by: readonly string[];
  folder: string;
  row_group_rows: number;
  day: number | null;
}

/** null (and no file) when there are no rows. */
export async function copyFile(
  connection: DuckDBConnection,
  request: FileRequest,
): Promise<WrittenFile | null> {
  const { select, columns, order_by, folder, row_group_rows, day } = request;
  const path = `${folder}/${crypto.randomUUID()}.parquet`;
  const order = order_by.length > 0 ? ` ORDER BY ${order_by.map(quoteName).join(", ")}` : "";
  const options = [
    "FORMAT parquet",
    "COMPRESSION zstd",
    "PARQUET_VERSION v1",
    `ROW_GROUP_SIZE ${row_group_rows}`,
    `FIELD_IDS ${fieldIds(columns)}`,
    "RETURN_STATS",
  ];
  const answer = await connection.runAndReadAll(
    `COPY (SELECT * FROM (${select})${order}) TO ${quoteText(path)} (${options.join(", ")})`,
  );
  const [[, count, size_bytes, , statistics]] = answer.getRowsJson();
  const record_count = Number(count);
  if (record_count === 0) {
    await Deno.remove(path);
    return null;
  }
  const stats = await withAnyNaN(connection, path, { columns, stats: textStats(statistics, columns) });
  return { path, record_count, size_bytes: Number(size_bytes), day, stats };
}

/**
 * What RETURN_STATS says of NaN holds for the last row group only, but its bounds leave out every NaN. The footer has no
 * bounds of a row group with one (nor of one with an infinity, whose bounds are then given up too).
 */
async function withAnyNaN(
  connection: DuckDBConnection,
  path: string,
  { columns, stats }: { columns: readonly IcebergField[]; stats: Record<string, TextStats> },
): Promise<Record<string, TextStats>> {
  const isBounded = ({ name, type }: IcebergField) =>
    (type === "double" || type === "float") && stats[name]?.min !== null;
  if (!columns.some(isBounded)) return stats;
  const answer = await connection.runAndReadAll(
    `SELECT DISTINCT path_in_schema FROM parquet_metadata(${quoteText(path)}) ` +
      `WHERE type IN ('FLOAT', 'DOUBLE') AND stats_max_value IS NULL AND stats_null_count < num_values`,
  );
  const unbounded = new Set(answer.getRowsJson().flat());
  return Object.fromEntries(
    Object.entries(stats).map(([name, own]) => [
      name,
      unbounded.has(name) ? { ...own, has_nan: true } : own,
    ]),
  );
}
