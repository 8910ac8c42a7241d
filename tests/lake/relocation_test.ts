/** A lake that was moved reads as before, in the present and in the past, and goes on. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { misplacedTables, relocateTable } from "../../lib/lake/relocation.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import { runCommand } from "../commands/run_command.ts";
import { OneTable } from "./one_table.ts";
import { PREFIX, withWriter } from "./small_lake.ts";

const SPEC: TableSpec = {
  key: "processed.things",
  doc: "Things.",
  columns: [{ name: "id", type: "int", doc: "Which." }, { name: "at", type: "timestamp", doc: "When." }],
  day_column: "at",
  order_by: ["id"],
};

const thing = (id: number) => ({ id, at: `2026-01-0${1 + id % 3}T00:00:00.000` });
const ALL = "SELECT list(id ORDER BY id) FROM $";

Deno.test("a table that was moved names its new place in all that it is made of, and its snapshots are the same", () =>
  withWriter(async (writer) => {
    await using old = await OneTable.open(SPEC, writer);
    for (let i = 0; i < 6; i++) await old.add([thing(i)]);
    await old.compact({ full: true });
    await old.add([thing(6)]);
    const before = (await old.load()).metadata;
    const stats = await old.files();
    const folder = `${old.folder} moved`;
    await Deno.rename(old.folder, folder);
    await using table = old.at(folder);
    const context = { ...table.parts, prefix: PREFIX };
    const misplaced = await misplacedTables(context);
    deepStrictEqual(misplaced.map((one) => one.table.metadata.location), [before.location]);
    ok(await relocateTable(context, misplaced[0]) > 3);
    strictEqual(await relocateTable(context, misplaced[0]), 0);
    deepStrictEqual(await misplacedTables(context), []);

    const { metadata } = await table.load();
    ok(!JSON.stringify(metadata).includes(`${before.location}/`), "an old address is left");
    deepStrictEqual(
      metadata.snapshots.map(({ "manifest-list": _, ...rest }) => rest),
      before.snapshots.map(({ "manifest-list": _, ...rest }) => rest),
    );
    const moved = (path: string) => path.replace(before.location, metadata.location);
    deepStrictEqual(await table.files(), stats.map((file) => ({ ...file, path: moved(file.path) })));
    deepStrictEqual(await table.rows(ALL), [[[0, 1, 2, 3, 4, 5, 6]]]);
    for (const [i, snapshot] of metadata.snapshots.entries()) {
      const [[count]] = await table.rows("SELECT count(*)::INT FROM $", snapshot["snapshot-id"]);
      strictEqual(count, Number(before.snapshots[i].summary["total-records"]));
    }
    await table.add([thing(7)]);
    await table.compact({ full: true });
    deepStrictEqual(await table.rows(ALL), [[[0, 1, 2, 3, 4, 5, 6, 7]]]);
    await Deno.rename(folder, old.folder);
  }));

Deno.test("upkeep of a lake that was copied elsewhere is refused, and says what to do", () =>
  withWriter(async (writer) => {
    await using old = await OneTable.open(SPEC, writer);
    for (let i = 0; i < 6; i++) await old.add([thing(i)]);
    const folder = `${old.folder} copied`;
    await new Deno.Command("cp", { args: ["-r", old.folder, folder] }).output();
    for (const command of ["collect", "compact", "expire"]) {
      const { code, stderr } = await runCommand([command], { DATA_DIR: folder });
      strictEqual(code, 1);
      match(stderr, /its metadata names .* main\.ts relocate/s);
    }
    await Deno.remove(folder, { recursive: true });
  }));
