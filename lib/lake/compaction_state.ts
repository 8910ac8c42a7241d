/** How tidy the tables are, told from their metadata alone: what was appended since each was compacted last. Pure. */
import { currentSnapshot } from "../iceberg/snapshot.ts";
import type { TableMetadata } from "../iceberg/metadata.ts";

export interface CompactionState {
  /** Data files that were appended to tables since their last compaction. */
  waiting_files: number;
  /** Live data files of all tables, and their size. */
  files: number;
  bytes: number;
  /** When a compaction was committed last; null when none was, or it is out of every table's memory. */
  last_run: string | null;
}

const REWRITES: ReadonlySet<string> = new Set(["replace", "overwrite"]);

export function compactionState(tables: readonly TableMetadata[]): CompactionState {
  const state: CompactionState = { waiting_files: 0, files: 0, bytes: 0, last_run: null };
  let last_ms = -Infinity;
  for (const table of tables) {
    const summary = currentSnapshot(table)?.summary;
    state.files += Number(summary?.["total-data-files"] ?? 0);
    state.bytes += Number(summary?.["total-files-size"] ?? 0);
    const newestFirst = table.snapshots.toSorted((a, b) => b["sequence-number"] - a["sequence-number"]);
    const rewrite = newestFirst.findIndex((one) => REWRITES.has(one.summary.operation));
    if (rewrite >= 0) last_ms = Math.max(last_ms, newestFirst[rewrite]["timestamp-ms"]);
    for (const one of rewrite < 0 ? newestFirst : newestFirst.slice(0, rewrite)) {
      state.waiting_files += Number(one.summary["added-data-files"] ?? 0);
    }
  }
  if (last_ms > -Infinity) state.last_run = new Date(last_ms).toISOString();
  return state;
}
