/** Compaction gives way: to a collection, to whoever took its inputs, and to its own doubts about what it wrote. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { Column } from "../../lib/event/column.ts";
import type { Catalog } from "../../lib/iceberg/catalog.ts";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { fenceProperties } from "../../lib/iceberg/update.ts";
import { Compactor } from "../../lib/lake/compactor.ts";
import { Lander } from "../../lib/lake/lander.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import type { ParquetWriter } from "../../lib/parquet/writer.ts";
import { OneTable } from "./one_table.ts";
import { PREFIX, withWriter } from "./small_lake.ts";

const ID: Column = { name: "id", type: "int", doc: "Which." };
const SPEC: TableSpec = {
  key: "analytics.things",
  doc: "Things.",
  columns: [ID],
  day_column: null,
  order_by: ["id"],
};
const ROWS = "SELECT list(id ORDER BY id)::VARCHAR FROM $";

/** Three files of one row each. */
async function threeFiles(writer: ParquetWriter): Promise<OneTable> {
  const table = await OneTable.open(SPEC, writer);
  for (const id of [1, 2, 3]) await table.add([{ id }]);
  return table;
}

/** A compactor between whose writing and committing something else happens. */
function interrupted(table: OneTable, meanwhile: () => Promise<unknown>): Compactor {
  const { catalog, store, clock, lander, writer } = table;
  let loads = 0;
  const racing: Catalog = {
    list: () => catalog.list(),
    create: (name, metadata) => catalog.create(name, metadata),
    commit: (base, next, id) => catalog.commit(base, next, id),
    load: async (name) => {
      // The first look is the plan's, the second what the commit is made on.
      if (++loads === 2) await meanwhile();
      return await catalog.load(name);
    },
  };
  return new Compactor({ catalog: racing, store, clock, lander, writer });
}

Deno.test("a compaction gives up when a collection came in between", () =>
  withWriter(async (writer) => {
    await using table = await threeFiles(writer);
    const compactor = interrupted(table, () =>
      commitUpdate({
        ...table.parts,
        name: table.name,
        plan: ({ metadata }) => ({ operation: "append", added: [], properties: fenceProperties(metadata) }),
      }));
    strictEqual((await compactor.compact(SPEC, { full: true })).units, 0);
    strictEqual((await table.files()).length, 3);
  }));

Deno.test("a compaction gives up when somebody took one of its inputs, or all of them", () =>
  withWriter(async (writer) => {
    for (const taken of [1, 3]) {
      await using table = await threeFiles(writer);
      const compactor = interrupted(table, async () => {
        if (taken === 3) return await table.compact({ full: true });
        const [{ path }] = await table.files();
        return await commitUpdate({
          ...table.parts,
          name: table.name,
          plan: () => ({ operation: "delete", added: [], removed: [path] }),
        });
      });
      const before = await table.rows(ROWS);
      strictEqual((await compactor.compact(SPEC, { full: true })).units, 0);
      if (taken === 3) deepStrictEqual(await table.rows(ROWS), before);
      else strictEqual((await table.files()).length, 2);
    }
  }));

Deno.test("a compaction yields to an append, and both stand", () =>
  withWriter(async (writer) => {
    await using table = await threeFiles(writer);
    const compactor = interrupted(table, () => table.add([{ id: 4 }]));
    strictEqual((await compactor.compact(SPEC, { full: true })).units, 1);
    deepStrictEqual(await table.rows(ROWS), [["[1, 2, 3, 4]"]]);
    strictEqual((await table.files()).length, 2);
  }));

/** A writer whose files lack a row, or hold another one. */
function spoiling(writer: ParquetWriter, spoil: string): ParquetWriter {
  return {
    write: (request) => writer.write({ ...request, select: spoil.replace("$", `(${request.select})`) }),
    query: (sql, options) => writer.query(sql, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("a compaction whose rows differ is not committed", () =>
  withWriter(async (writer) => {
    await using table = await threeFiles(writer);
    const { catalog, store, clock, lander } = table;
    for (const spoil of ["SELECT * FROM $ WHERE id > 1", "SELECT (id + 1)::INT AS id FROM $"]) {
      const compactor = new Compactor({
        catalog,
        store,
        clock,
        lander,
        writer: spoiling(writer, spoil),
      });
      await rejects(compactor.compact(SPEC, { full: true }), { code: "compaction_differs" });
    }
    strictEqual((await table.files()).length, 3);
  }));

Deno.test("rows that get lost on the way to Parquet are missed before anything is committed", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(SPEC, writer);
    const { store, folder } = table;
    const spoilt = spoiling(writer, "SELECT * FROM $ WHERE id > 1");
    const lander = new Lander({ store, writer: spoilt, prefix: PREFIX, folder: `${folder}/tmp` });
    const sound = Object.create(table, { lander: { value: lander } }) as OneTable;
    await rejects(OneTable.prototype.add.call(sound, [{ id: 1 }, { id: 2 }]), { code: "rows_miscounted" });
    strictEqual((await table.files()).length, 0);
  }));
