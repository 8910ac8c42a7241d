/** What leaves a table on purpose leaves it whole, is counted, and stays readable in the past. */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { DROPPED_ROWS } from "../../lib/lake/audit.ts";
import { dropOldDays, retainedTables } from "../../lib/lake/retention.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import { OneTable } from "./one_table.ts";
import { SmallLake, START, withWriter } from "./small_lake.ts";

const DAY_MS = 86_400_000;

const EVENTS: TableSpec = {
  key: "processed.things",
  doc: "Things.",
  columns: [
    { name: "id", type: "int", doc: "Which." },
    { name: "event_time", type: "timestamp", doc: "When." },
  ],
  day_column: "event_time",
  order_by: ["id"],
};

const dayText = (day: number) => new Date(START + day * DAY_MS).toISOString().slice(0, 10);
const thing = (id: number, day: number) => ({ id, event_time: `${dayText(day)}T23:59:59.999` });

Deno.test("`dropOldDays` drops whole days that are older than asked, counts their rows, and keeps the past readable", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(EVENTS, writer);
    await table.add([thing(1, -4), thing(2, -3), thing(3, -3), thing(4, -2), thing(5, 0)]);
    const before = (await table.load()).metadata["current-snapshot-id"]!;
    const dry = await dropOldDays(table, table.name, { days: 2, dry_run: true });
    deepStrictEqual(dry, { table: "processed.things", files: 2, rows: 3 });
    strictEqual((await table.files()).length, 4);
    deepStrictEqual(await dropOldDays(table, table.name, { days: 2 }), dry);
    deepStrictEqual(await table.rows("SELECT list(id ORDER BY id) FROM $"), [[[4, 5]]]);
    deepStrictEqual(await table.rows("SELECT count(*)::INT FROM $", before), [[5]]);
    const { metadata } = await table.load();
    strictEqual(metadata.properties[DROPPED_ROWS], "3");
    strictEqual(metadata.snapshots.at(-1)?.summary.operation, "delete");
    strictEqual(await dropOldDays(table, table.name, { days: 2 }), null);
    strictEqual((await table.load()).metadata["last-sequence-number"], 2);
    table.clock.time += DAY_MS;
    await table.add([thing(6, -9)]);
    deepStrictEqual(await dropOldDays(table, table.name, { days: 2 }), {
      table: "processed.things",
      files: 2,
      rows: 2,
    });
    strictEqual((await table.load()).metadata.properties[DROPPED_ROWS], "5");
  }));

Deno.test("the audit still holds when days were dropped", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await lake.append(6);
    await lake.process();
    await lake.publish();
    lake.clock.time += 3 * DAY_MS;
    await lake.append(3);
    await lake.process();
    await lake.publish();
    const context = { catalog: lake.catalog(), store: lake.store, clock: lake.clock };
    const dropped = await dropOldDays(context, { stage: "processed", name: "transactions" }, { days: 1 });
    strictEqual(dropped?.rows, 6);
    deepStrictEqual(await lake.problems(), []);
    await lake.collect();
    await lake.publish();
    deepStrictEqual(await lake.problems(), []);
  }));

Deno.test("`retainedTables` takes full and short names, and refuses what it cannot mean", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(EVENTS, writer);
    await using other = await OneTable.open({ ...EVENTS, key: "analytics.plain", day_column: null }, writer);
    const tables = [await table.load(), await other.load()];
    const expected = [{ name: { stage: "processed", name: "things" }, days: 3 }];
    deepStrictEqual(retainedTables({ things: 3 }, tables), expected);
    deepStrictEqual(retainedTables({ "processed.things": 3 }, tables), expected);
    throws(() => retainedTables({ other: 3 }, tables), /there is no such table/);
    throws(() => retainedTables({ plain: 3 }, tables), /not divided by day/);
    throws(() => retainedTables({ things: 3 }, [tables[0], tables[0]]), /several/);
  }));
