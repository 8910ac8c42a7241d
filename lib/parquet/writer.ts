/** Writes rows as Parquet with a native DuckDB of its own: sorted, one file a day, with the statistics of each. */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { Fault, messageOf } from "../errors.ts";
import type { IcebergField } from "../iceberg/metadata.ts";
import { giveTextsExactly } from "./exact_texts.ts";
import { writeSorted } from "./sorted_write.ts";
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
  /** How many rows there are and how much memory they take, when known: few ones need no staging. */
  expected?: { rows: number; bytes: number };
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
  /** The files written, ascending by day; none for no rows. Of many calls a few are under way, the others wait in order. */
  write(request: WriteRequest): Promise<WrittenFile[]>;
  /** Runs one trusted statement on a connection of its own. */
  query(sql: string, options?: QueryOptions): Promise<QueryAnswer>;
}

export async function openParquetWriter(options: ParquetWriterOptions): Promise<ParquetWriter> {
  giveTextsExactly();
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(options.threads),
    memory_limit: `${options.memory_bytes}B`,
    temp_directory: options.temp_directory,
    ...(options.temp_bytes === undefined ? {} : { max_temp_directory_size: `${options.temp_bytes}B` }),
    // Each file is read once or twice and then merged away, but its pages would stay until the memory is full.
    enable_external_file_cache: "false",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  return new DuckdbParquetWriter(instance, options.memory_bytes);
}

/** What is written at once shares the memory: a sort takes a quarter of it, and its row groups some more. */
const WRITTEN_AT_ONCE = 2;

class DuckdbParquetWriter implements ParquetWriter {
  #free = WRITTEN_AT_ONCE;
  #waiting: (() => void)[] = [];

  constructor(readonly instance: DuckDBInstance, readonly memory_bytes: number) {}

  async write(request: WriteRequest): Promise<WrittenFile[]> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#connected(
        request,
        (connection) => writeSorted(connection, request, this.memory_bytes),
      );
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
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

function engineFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Fault) return error;
  return new Fault("parquet_engine", `Cannot run DuckDB: ${messageOf(error)}`, {
    blame: "dependency",
    retry: "after_backoff",
    cause: error,
  });
}
