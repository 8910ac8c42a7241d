/** Landing. Invariant: what pieces say of themselves saves work, and never decides in which day's file a row stands. */
import { deepStrictEqual } from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { currentFields, type LandPiece } from "../../lib/lake/lander.ts";
import type { TableSpec } from "../../lib/lake/tables.ts";
import { parquetRelation } from "../../lib/parquet/relation.ts";
import type { ParquetWriter } from "../../lib/parquet/writer.ts";
import { openScratch } from "../../lib/store/scratch.ts";
import { OneTable } from "./one_table.ts";
import { withWriter } from "./small_lake.ts";

const SPEC: TableSpec = {
  key: "processed.things",
  doc: "Things.",
  columns: [
    { name: "name", type: "string", doc: "Its name." },
    { name: "at", type: "timestamp", doc: "Its time." },
  ],
  day_column: "at",
  order_by: ["name"],
};

const [FIRST, SECOND, UNSAID] = ["2026-03-01", "2026-03-02", null];
const DAY_MS = 86_400_000;
const dayNumber = (day: string) => Date.parse(day) / DAY_MS;

function piece(told: string | null, ...rows: [name: string, at: string | null][]): LandPiece {
  const text = rows.map(([name, at]) => JSON.stringify({ name, at }) + "\n").join("");
  const bytes = zstdCompressSync(text);
  return { bytes, schema_version: 0, rows: rows.length, day: told, text_bytes: text.length };
}

/** By day, the names in the files that `pieces` become; and whether each write was told the day. */
async function landed(writer: ParquetWriter, pieces: readonly LandPiece[]) {
  const told: boolean[] = [];
  const listening: ParquetWriter = {
    write: (request) => {
      told.push(request.day !== undefined && request.expected !== undefined);
      return writer.write(request);
    },
    query: (sql, options) => writer.query(sql, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await using table = await OneTable.open(SPEC, listening);
  const { metadata } = await table.load();
  const files = await table.lander.land(SPEC, metadata, pieces);
  const found = await Promise.all(files.map(async ({ path, partition }) => {
    const local = table.store.localPath(table.store.keyOf(path)!)!;
    const { rows } = await writer.query(
      `SELECT name FROM (${parquetRelation([local], currentFields(metadata))})`,
    );
    return [Object.values(partition)[0], rows.flat()];
  }));
  return { found, told };
}

Deno.test("pieces that tell of one day are written in one pass, sorted", () =>
  withWriter(async (writer) => {
    const pieces = [
      piece(FIRST, ["c", "2026-03-01T23:59:59.999999"], ["a", "2026-03-01T00:00:00.000"]),
      piece(FIRST, ["b", "2026-03-01T12:00:00.000"]),
    ];
    deepStrictEqual(await landed(writer, pieces), {
      found: [[dayNumber(FIRST!), ["a", "b", "c"]]],
      told: [true],
    });
  }));

Deno.test("a day that was told wrong is seen, and every row stands on its own day", () =>
  withWriter(async (writer) => {
    for (const at of [`${SECOND}T00:00:00.000`, "2026-02-28T23:59:59.999", null]) {
      const { found, told } = await landed(writer, [
        piece(FIRST, ["a", "2026-03-01T12:00:00.000"], ["b", at]),
      ]);
      const other = at === null ? null : dayNumber(at.slice(0, 10));
      const expected = [[dayNumber(FIRST!), ["a"]], [other, ["b"]]];
      const inOrder = other !== null && other < dayNumber(FIRST!) ? expected.toReversed() : expected;
      deepStrictEqual([found, told], [inOrder, [true, false]]);
    }
  }));

Deno.test("pieces of several days, and those that say nothing, are divided", () =>
  withWriter(async (writer) => {
    for (const second of [SECOND, UNSAID]) {
      const pieces = [
        piece(FIRST, ["a", "2026-03-01T12:00:00.000"]),
        piece(second, ["b", "2026-03-02T12:00:00.000"]),
      ];
      deepStrictEqual(await landed(writer, pieces), {
        found: [[dayNumber(FIRST!), ["a"]], [dayNumber(SECOND!), ["b"]]],
        told: [false],
      });
    }
  }));

Deno.test("what a lander that was killed left on its way goes with the next landing", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(SPEC, writer);
    const { metadata } = await table.load();
    const root = `${table.folder}/tmp`;
    const dead = await openScratch(root);
    await Deno.writeTextFile(`${dead.path}/left.parquet`, "x");
    // Its lock is nobody's, as after a kill.
    await Deno.copyFile(`${dead.path}.lock`, `${dead.path}.new`);
    await Deno.rename(`${dead.path}.new`, `${dead.path}.lock`);
    await table.lander.land(SPEC, metadata, [piece(FIRST, ["a", "2026-03-01T12:00:00.000"])]);
    deepStrictEqual(await Array.fromAsync(Deno.readDir(root)), []);
    await dead[Symbol.asyncDispose]();
  }));
