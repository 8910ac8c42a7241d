/** Compaction leaves out revisions that were superseded over a day ago, and nothing that anybody may still ask for. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DROPPED_ROWS } from "../../lib/lake/audit.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import { OneTable } from "./one_table.ts";
import { START, withWriter } from "./small_lake.ts";

const DAY_MS = 86_400_000;

const REVISIONS: TableSpec = {
  key: "analytics.w_revisions",
  doc: "Revisions.",
  columns: [
    { name: "window_id", type: "string", doc: "Which." },
    { name: "window_start", type: "timestamp", doc: "When." },
    { name: "revision", type: "long", doc: "Highest counts." },
  ],
  day_column: "window_start",
  order_by: ["window_id"],
};

const window_start = `${new Date(START).toISOString().slice(0, 10)}T00:00:00.000`;
const revision = (window_id: string, revision: number) => ({ window_id, window_start, revision });
const ALL = "SELECT list(window_id || revision ORDER BY window_id, revision) FROM $";

Deno.test("compaction leaves out what was superseded a day ago, and counts it", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(REVISIONS, writer);
    await table.add([revision("a", 1), revision("b", 1), revision("c", 1)]);
    await table.add([revision("a", 2), revision("b", 2)]);
    table.clock.time += DAY_MS;
    await table.add([revision("b", 3), revision("c", 2)]);
    const before = (await table.load()).metadata["current-snapshot-id"]!;
    const done = await table.compact({ full: true });
    // b2 and c1 were superseded today only.
    deepStrictEqual(await table.rows(ALL), [[["a2", "b2", "b3", "c1", "c2"]]]);
    strictEqual(done.dropped_rows, 2);
    const { metadata } = await table.load();
    strictEqual(metadata.properties[DROPPED_ROWS], "2");
    strictEqual(metadata.snapshots.at(-1)?.summary.operation, "overwrite");
    strictEqual(metadata.snapshots.at(-1)?.summary["total-records"], "5");
    deepStrictEqual(await table.rows("SELECT count(*)::INT FROM $", before), [[7]]);
  }));

Deno.test("a partition that was quiet for a day is rewritten once more by the schedule, and then left alone", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(REVISIONS, writer);
    for (let i = 1; i <= 4; i++) await table.add([revision("a", i)]);
    strictEqual((await table.compact()).units, 0);
    table.clock.time += DAY_MS;
    strictEqual((await table.compact()).dropped_rows, 3);
    deepStrictEqual(await table.rows(ALL), [[["a4"]]]);
    table.clock.time += DAY_MS;
    strictEqual((await table.compact()).units, 0);
  }));

Deno.test("within a day nothing is left out, and other tables lose nothing ever", () =>
  withWriter(async (writer) => {
    for (
      const [key, wait_ms] of [["analytics.w_revisions", DAY_MS - 1], [
        "analytics.other",
        9 * DAY_MS,
      ]] as const
    ) {
      await using table = await OneTable.open({ ...REVISIONS, key }, writer);
      for (let i = 1; i <= 3; i++) await table.add([revision("a", i)]);
      table.clock.time += wait_ms;
      const done = await table.compact({ full: true });
      deepStrictEqual([done.units, done.dropped_rows], [1, 0]);
      deepStrictEqual(await table.rows(ALL), [[["a1", "a2", "a3"]]]);
    }
  }));
