/** The port of the catalog: named Iceberg tables whose metadata moves by one atomic step at a time. */
import type { TableMetadata } from "./metadata.ts";

export interface TableName {
  /** The namespace: raw, processed, analytics. */
  stage: string;
  name: string;
}

/** A table as somebody saw it. `version` is what a commit builds on. */
export interface LoadedTable {
  name: TableName;
  version: number;
  /** Absolute address of the metadata file. */
  metadata_location: string;
  metadata: TableMetadata;
}

/**
 * Loads and commits table metadata. A commit is one conditional create of the next version: it wins, it is taken by
 * somebody else, or its answer is lost and it is found out by looking for one's own `writeId` in what is there. Nothing
 * that a commit names may be deleted while its outcome is unknown.
 */
export interface Catalog {
  list(): Promise<TableName[]>;
  /** The newest version by a full listing; null when there is no such table. */
  load(name: TableName): Promise<LoadedTable | null>;
  /** Creates the table or adopts the one that another creator won with. */
  create(name: TableName, metadata: TableMetadata): Promise<LoadedTable>;
  /**
   * Tries to make `next` the version after `base`, and gives the table as it then is, only after another listing shows
   * nothing newer. null when the version is taken: load again, decide again. Lost answers are resolved here by `writeId`.
   */
  commit(base: LoadedTable, next: TableMetadata, writeId: string): Promise<LoadedTable | null>;
}
