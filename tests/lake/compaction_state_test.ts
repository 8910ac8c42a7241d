/** What waits for a compaction is told from summaries alone. */
import { deepStrictEqual } from "node:assert/strict";
import type { Snapshot, TableMetadata } from "../../lib/iceberg/metadata.ts";
import { compactionState } from "../../lib/lake/compaction_state.ts";

function table(...operations: [Snapshot["summary"]["operation"], added: number, total: number][]) {
  const snapshots = operations.map(([operation, added, total], at) => ({
    "snapshot-id": at + 1,
    "sequence-number": at + 1,
    "timestamp-ms": at * 1_000,
    summary: {
      operation,
      "added-data-files": String(added),
      "total-data-files": String(total),
      "total-files-size": String(total * 10),
    },
  }));
  return { snapshots, "current-snapshot-id": snapshots.length } as unknown as TableMetadata;
}

Deno.test("compactionState counts the files that came after the last compaction", () => {
  const compacted = table(["append", 3, 3], ["replace", 1, 1], ["append", 2, 3], ["append", 1, 4]);
  deepStrictEqual(compactionState([compacted, table(["append", 5, 5]), table()]), {
    waiting_files: 8,
    files: 9,
    bytes: 90,
    last_run: "1970-01-01T00:00:01.000Z",
  });
});

Deno.test("compactionState of an empty lake is nothing", () => {
  deepStrictEqual(compactionState([]), { waiting_files: 0, files: 0, bytes: 0, last_run: null });
});
