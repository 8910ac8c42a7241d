/** A data file as a manifest lists it: what readers need to know before they open it. */
import type { BoundValue } from "./bounds.ts";
import type { Partition } from "./partition.ts";

export interface ColumnStats {
  /** Field id. */
  id: number;
  /** Bounds, null when unknown; texts may be cut (a lower one short, an upper one raised). */
  lower: BoundValue | null;
  upper: BoundValue | null;
  null_count: number;
  /** Values, nulls counted. */
  value_count: number;
  /** Of the column in the file, compressed; absent when unknown. */
  size_bytes?: number;
}

export interface DataFile {
  /** Absolute address. */
  path: string;
  record_count: number;
  size_bytes: number;
  partition: Partition;
  column_stats: readonly ColumnStats[];
}
