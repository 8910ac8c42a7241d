/** The port of the query engine: one SELECT over named tables, bounded in time, memory and result size. */

/** A relation the query may name: the Parquet files of one snapshot, or a view over other relations. */
export type Relation =
  | {
    kind: "files";
    /** `stage.table` */
    name: string;
    /** Iceberg schema fields at the snapshot, for files of any age (columns are found by field id). */
    columns: readonly { id: number; name: string; type: unknown; doc?: string }[];
    /** Local paths of the data files. */
    paths: readonly string[];
  }
  | { kind: "view"; name: string; sql: string };

export interface QueryRequest {
  sql: string;
  relations: readonly Relation[];
  /** Rows at most; the answer says when it was cut. */
  limit: number;
}

export interface QueryColumn {
  name: string;
  /** DuckDB's name of the type. */
  type: string;
}

export interface QueryResult {
  columns: readonly QueryColumn[];
  /** JSON cells: 64-bit integers and decimals as text when they would lose digits, times as ISO 8601 with Z. */
  rows: readonly (readonly unknown[])[];
  truncated: boolean;
  elapsed_ms: number;
}

/** An answer as one Parquet file. */
export interface ParquetAnswer {
  bytes: Uint8Array<ArrayBuffer>;
  truncated: boolean;
}

export type QueryFaultCode = "syntax" | "refused" | "timeout" | "limit";

/**
 * Runs untrusted SQL. A query sees its relations and nothing else: no file, no network, no setting, no environment.
 * Rejects with a Fault whose code is a QueryFaultCode and whose blame is "sender" (its `fields` hold line and column
 * where known), or blame "dependency" when the engine itself died. One query's end never harms another.
 */
export interface QueryEngine extends AsyncDisposable {
  run(request: QueryRequest, signal?: AbortSignal): Promise<QueryResult>;
  /** The same answer, in DuckDB's own types. */
  runToParquet(request: QueryRequest, signal?: AbortSignal): Promise<ParquetAnswer>;
}
