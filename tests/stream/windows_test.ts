/** Windows against a plain computation over all rows at once, and the promises about their revisions. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Row } from "../../lib/event/column.ts";
import type { StreamEvent } from "../../lib/stream/operator.ts";
import { windowColumns } from "../../lib/stream/window_table.ts";
import { batchWindows } from "./batch_windows.ts";
import {
  CLOSE_ALL,
  KINDS,
  randomRecords,
  run,
  SHIPPED,
  type Step,
  streamEvent,
  type TestRecord,
  WINDOWS,
} from "./stream_case.ts";

function revisionsOf(name: string, steps: readonly Step[]): Row[] {
  return steps.flatMap(({ outputs }) => outputs)
    .filter(({ table }) => table === `analytics.${name}_revisions`).map(({ row }) => row);
}

/** The events that count: rows that were not late. */
function counted(records: readonly TestRecord[], steps: readonly Step[]): StreamEvent[] {
  return records.flatMap((record, offset) =>
    "event" in record && !steps[offset].accepted!.late ? [streamEvent(record.event, offset)] : []
  );
}

/** By window_id, in the order of writing. */
function histories(rows: readonly Row[]): Row[][] {
  return [...Map.groupBy(rows, (row) => row.window_id).values()];
}

function bare(row: Row): unknown {
  const { window_id: _id, log_partition: _partition, revision: _revision, is_final: _final, ...cells } = row;
  return cells;
}

const inOrder = (rows: unknown[]) => rows.map((row) => sortedText(row)).sort();

function sortedText(row: unknown): string {
  return JSON.stringify(Object.entries(row as object).sort(([a], [b]) => a < b ? -1 : 1));
}

Deno.test("the highest revisions of every window equal a batch computation", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const records = [...SHIPPED, ...random, CLOSE_ALL];
      const { steps } = run(records);
      const events = counted(records, steps);
      for (const window of WINDOWS.definitions) {
        const highest = histories(revisionsOf(window.name, steps)).map((rows) => rows.at(-1)!)
          .filter((row) => row.merged_into === undefined || row.merged_into === null);
        assert.deepEqual(inOrder(highest.map(bare)), inOrder(batchWindows(window, events)), window.name);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("revisions of a window count from 1 without a gap, and the last one is final", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const { steps } = run([...SHIPPED, ...random, CLOSE_ALL]);
      for (const { name } of WINDOWS.definitions) {
        for (const rows of histories(revisionsOf(name, steps))) {
          assert.deepEqual(rows.map((row) => row.revision), rows.map((_, index) => index + 1));
          assert.equal(rows.at(-1)!.is_final, true);
        }
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("a revision is written only when something changed or the window closed", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const { steps } = run([...SHIPPED, ...random, CLOSE_ALL]);
      for (const { name } of WINDOWS.definitions) {
        for (const rows of histories(revisionsOf(name, steps))) {
          rows.forEach((row, index) => {
            const before = rows[index - 1];
            if (before === undefined || row.is_final !== before.is_final) return;
            // An event always changes the count of something that is shown.
            assert.notDeepEqual(bare(row), bare(before));
          });
        }
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("a row holds exactly the columns of its table, in their order", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const { steps } = run([...SHIPPED, ...random, CLOSE_ALL]);
      for (const window of WINDOWS.definitions) {
        const columns = windowColumns(window, KINDS.get(window.over)!).map(({ name }) => name);
        for (const row of revisionsOf(window.name, steps)) assert.deepEqual(Object.keys(row), columns);
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("when everything is closed and beyond lateness, no window is left in state", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const { state } = run([...SHIPPED, ...random, CLOSE_ALL]);
      const left = [...state.spaces()].filter((space) => space.startsWith("window/"));
      const moved = random.some((record) => "event" in record);
      assert.deepEqual(moved ? left : [], []);
    }),
    { numRuns: 20 },
  );
});
