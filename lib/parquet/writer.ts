/**
 * Writes rows as Parquet with a native DuckDB of its own: sorted, one file a day, with the statistics of each.
 *
 *   select ─► staged once, sorted by day and order ─► one COPY a day that occurs      (the day is to be found out)
 *   select ─► one COPY, sorted                                                        (one file, or one known day)
 *
 * Memory stays within the limit however many days there are: staged rows spill to the temporary folder, and one file is
 * written at a time. (PARTITION_BY writes all days at once, and ran out of memory at 10,000.)
 */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { Fault, messageOf } from "../errors.ts";
import type { IcebergField } from "../iceberg/metadata.ts";
import { fieldIds, quoteName, quoteText } from "./duckdb_type.ts";
import { textStats } from "./return_stats.ts";
import type { WrittenFile } from "./statistics.ts";

export interface ParquetWriterOptions {
  memory_bytes: number;
  threads: number;
  /** A folder that belongs to this writer alone, for what does not fit into memory. */
  temp_directory: string;
  temp_bytes?: number;
}

export interface WriteRequest {
  /** Gives exactly the columns of `columns`, in their order. */
  select: string;
  columns: readonly IcebergField[];
  /** Column names; within a file rows ascend by them, nulls last. One that a table has no more orders nothing. */
  order_by: readonly string[];
  /** The timestamp or date column whose day divides the rows; null: all rows go into one file. */
  day_column: string | null;
  /** All rows are known to lie on this day (days since 1970, null: without one), so none needs to be looked for. */
  day?: number | null;
  /** Where the files are made. What is in it after a failure is the caller's to remove. */
  folder: string;
  /** At most. */
  row_group_rows?: number;
  /** How large a row is before compression, when known: row groups of wide rows hold fewer. */
  row_bytes?: number;
  /** Statements that run before, on the same connection (temporary views, say). */
  setup?: readonly string[];
  signal?: AbortSignal;
}

export interface QueryOptions {
  setup?: readonly string[];
  signal?: AbortSignal;
}

export interface QueryAnswer {
  columns: { name: string; type: string }[];
  /** As DuckDB's own JSON: 64-bit integers and decimals are text. */
  rows: unknown[][];
}

export interface ParquetWriter extends AsyncDisposable {
  /** The files written, ascending by day; none for no rows. */
  write(request: WriteRequest): Promise<WrittenFile[]>;
  /** Runs one trusted statement on a connection of its own. */
  query(sql: string, options?: QueryOptions): Promise<QueryAnswer>;
}

const ROW_GROUP_ROWS = 122_880;
/** A row group is no larger than this before compression, or readers of wide rows would need too much memory. */
const ROW_GROUP_BYTES = 128 * 1024 * 1024;
const LEAST_ROW_GROUP_ROWS = 2048;
/** What a value that is no text counts in the estimate of a row's size. */
const VALUE_BYTES = 8;
/** Columns of tables do not begin with a blank. */
const DAY = quoteName(" day");
const STAGE = "stage_of_this_write";

export async function openParquetWriter(options: ParquetWriterOptions): Promise<ParquetWriter> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(options.threads),
    memory_limit: `${options.memory_bytes}B`,
    temp_directory: options.temp_directory,
    ...(options.temp_bytes === undefined ? {} : { max_temp_directory_size: `${options.temp_bytes}B` }),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  return new DuckdbParquetWriter(instance);
}

class DuckdbParquetWriter implements ParquetWriter {
  constructor(readonly instance: DuckDBInstance) {}

  write(request: WriteRequest): Promise<WrittenFile[]> {
    return this.#connected(request, async (connection) => {
      const { day_column, day } = request;
      if (day_column === null || day !== undefined) {
        const rows = { select: request.select, order_by: orderOf(request), row_bytes: request.row_bytes };
        const file = await copy(connection, request, rows);
        return file ? [{ ...file, day: day ?? null }] : [];
      }
      return await writeDays(connection, request, day_column);
    });
  }

  query(sql: string, options: QueryOptions = {}): Promise<QueryAnswer> {
    return this.#connected(options, async (connection) => {
      const reader = await connection.runAndReadAll(sql);
      const types = reader.columnTypes();
      const columns = reader.columnNames().map((name, i) => ({ name, type: String(types[i]) }));
      return { columns, rows: reader.getRowsJson() };
    });
  }

  /** Temporary tables belong to a connection, so calls may run side by side. */
  async #connected<T>(options: QueryOptions, use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const { signal, setup = [] } = options;
    signal?.throwIfAborted();
    const connection = await this.instance.connect();
    const interrupt = () => connection.interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      for (const statement of setup) await connection.run(statement);
      return await use(connection);
    } catch (error) {
      signal?.throwIfAborted();
      throw engineFault(error);
    } finally {
      signal?.removeEventListener("abort", interrupt);
      connection.closeSync();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.instance.closeSync();
    return Promise.resolve();
  }
}

async function writeDays(
  connection: DuckDBConnection,
  request: WriteRequest,
  day_column: string,
): Promise<WrittenFile[]> {
  const day = `date_diff('day', DATE '1970-01-01', CAST(${quoteName(day_column)} AS DATE))`;
  const order = [DAY, ...orderOf(request).map(quoteName)].join(", ");
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${STAGE} AS SELECT *, ${day} AS ${DAY} FROM (${request.select}) ORDER BY ${order}`,
  );
  const found = await connection.runAndReadAll(
    `SELECT ${DAY}, CAST(avg(${rowBytes(request.columns)}) AS DOUBLE) FROM ${STAGE} GROUP BY 1 ORDER BY 1`,
  );
  const columns = request.columns.map((column) => quoteName(column.name)).join(", ");
  const files: WrittenFile[] = [];
  for (const [number, row_bytes] of found.getRowsJson()) {
    const of = number === null ? null : Number(number);
    const where = of === null ? `${DAY} IS NULL` : `${DAY} = ${of}`;
    const select = `SELECT ${columns} FROM ${STAGE} WHERE ${where}`;
    const file = await copy(connection, request, { select, order_by: [], row_bytes: Number(row_bytes) });
    if (file) files.push({ ...file, day: of });
  }
  await connection.run(`DROP TABLE ${STAGE}`);
  return files;
}

function orderOf({ order_by, columns }: WriteRequest): string[] {
  return order_by.filter((name) => columns.some((column) => column.name === name));
}

/** An expression: about how many bytes a row takes. */
function rowBytes(columns: readonly IcebergField[]): string {
  const texts = columns.filter((column) => column.type === "string");
  const fixed = VALUE_BYTES * (columns.length - texts.length);
  return [String(fixed), ...texts.map(({ name }) => `coalesce(strlen(${quoteName(name)}), 0)`)].join(" + ");
}

interface Rows {
  select: string;
  order_by: readonly string[];
  row_bytes?: number;
}

/** One file; null (and no file) when there are no rows. */
async function copy(
  connection: DuckDBConnection,
  request: WriteRequest,
  rows: Rows,
): Promise<WrittenFile | null> {
  const path = `${request.folder}/${crypto.randomUUID()}.parquet`;
  const order = rows.order_by.length > 0 ? ` ORDER BY ${rows.order_by.map(quoteName).join(", ")}` : "";
  const options = [
    "FORMAT parquet",
    "COMPRESSION zstd",
    "PARQUET_VERSION v1",
    `ROW_GROUP_SIZE ${rowGroupRows(request.row_group_rows ?? ROW_GROUP_ROWS, rows.row_bytes)}`,
    `FIELD_IDS ${fieldIds(request.columns)}`,
    "RETURN_STATS",
  ];
  const answer = await connection.runAndReadAll(
    `COPY (SELECT * FROM (${rows.select})${order}) TO ${quoteText(path)} (${options.join(", ")})`,
  );
  const [[, count, size_bytes, , statistics]] = answer.getRowsJson();
  const record_count = Number(count);
  if (record_count === 0) {
    await Deno.remove(path);
    return null;
  }
  const stats = textStats(statistics, request.columns);
  return { path, record_count, size_bytes: Number(size_bytes), day: null, stats };
}

function rowGroupRows(most: number, row_bytes = 0): number {
  if (row_bytes <= 0) return most;
  return Math.min(most, Math.max(LEAST_ROW_GROUP_ROWS, Math.floor(ROW_GROUP_BYTES / row_bytes)));
}

function engineFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Fault) return error;
  return new Fault("parquet_engine", `Cannot run DuckDB: ${messageOf(error)}`, {
    blame: "dependency",
    retry: "after_backoff",
    cause: error,
  });
}
