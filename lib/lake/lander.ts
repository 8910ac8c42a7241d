/** Landing: rows of segments (NDJSON, zstd) become sorted Parquet files in the store, one a day that they touch. */
import type { DataFile } from "../iceberg/data_file.ts";
import type { IcebergSchema, TableMetadata } from "../iceberg/metadata.ts";
import type { TableSpec } from "./tables.ts";

/** Rows of one table from one segment. */
export interface LandPiece {
  /** zstd frames of NDJSON. */
  bytes: Uint8Array;
  /** The table's schema when the rows were made. */
  schema_id: number;
  rows: number;
}

export interface Lander {
  /** Stores the rows and describes the files; nothing refers to them yet. The rows written are counted against the pieces. */
  land(spec: TableSpec, metadata: TableMetadata, pieces: readonly LandPiece[]): Promise<DataFile[]>;
}

export function schemaById(metadata: TableMetadata, id: number): IcebergSchema {
  const schema = metadata.schemas.find((one) => one["schema-id"] === id);
  if (!schema) throw new RangeError(`There is no schema ${id} in ${metadata.location}`);
  return schema;
}
