/** One COPY: rows into one Parquet file, and what DuckDB tells of it. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { IcebergField } from "../iceberg/metadata.ts";
import { fieldIds, quoteName, quoteText } from "./duckdb_type.ts";
import { textStats } from "./return_stats.ts";
import type { WrittenFile } from "./statistics.ts";

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
  return { path, record_count, size_bytes: Number(size_bytes), day, stats: textStats(statistics, columns) };
}
