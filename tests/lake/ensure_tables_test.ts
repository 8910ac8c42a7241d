/** Tables follow the configuration: they are made, get new columns, and refuse what cannot be the same column. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { Column } from "../../lib/event/column.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { OneTable } from "./one_table.ts";
import { PREFIX, withWriter } from "./small_lake.ts";

const ID: Column = { name: "id", type: "int", doc: "Which." };
const SPEC: TableSpec = {
  key: "analytics.w_revisions",
  doc: "Things.",
  columns: [ID],
  day_column: null,
  order_by: ["id"],
};

Deno.test("a column that is new in the configuration is added, and rows made before and after are read right", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(SPEC, writer);
    await table.add([{ id: 1 }]);
    const { version } = await table.load();
    await table.ensure(SPEC);
    strictEqual((await table.load()).version, version, "nothing new, no commit");
    const columns: Column[] = [
      { ...ID, type: "long" },
      { name: "note", type: "string", doc: "What." },
      { name: "tags", type: { list: "string" }, doc: "More." },
    ];
    await table.ensure({ ...SPEC, columns });
    await table.ensure({ ...SPEC, columns });
    strictEqual((await table.load()).metadata.schemas.length, 2);
    // Rows of windows do not tell under which schema they were made.
    await table.add([{ id: 2 }, { id: 3_000_000_000, note: "x", tags: ["a", "b"] }]);
    await table.compact({ full: true });
    const rows = await table.rows("SELECT id::VARCHAR, note, tags FROM $ ORDER BY id");
    deepStrictEqual(rows, [["1", null, null], ["2", null, null], ["3000000000", "x", ["a", "b"]]]);
    await table.ensure(SPEC);
    strictEqual((await table.load()).metadata.schemas.length, 2, "an older program takes nothing away");
  }));

Deno.test("a column that became another type is refused with its name, and nothing is changed", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(SPEC, writer);
    const columns: Column[] = [{ ...ID, type: "string" }, { name: "note", type: "string", doc: "What." }];
    await rejects(table.ensure({ ...SPEC, columns }), /id of analytics\.w_revisions.*another name/);
    strictEqual((await table.load()).metadata.schemas.length, 1);
  }));

Deno.test("a lake that was moved is refused until its addresses are rewritten", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(SPEC, writer);
    const moved = `${table.folder} moved`;
    await Deno.rename(table.folder, moved);
    try {
      await using store = openDiskStore(moved);
      const { catalog } = Object.create(table, { store: { value: store } }) as OneTable;
      const ensuring = ensureTables({ catalog, store, specs: [SPEC], prefix: PREFIX, now: () => 0 });
      await rejects(ensuring, /main\.ts relocate/);
    } finally {
      await Deno.rename(moved, table.folder);
    }
  }));
