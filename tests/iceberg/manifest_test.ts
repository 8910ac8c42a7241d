/** Manifests and lists: what is written is read, and what a commit keeps, rewrites and merges. */
import assert from "node:assert/strict";
import { decodeAvro } from "../../lib/iceberg/avro.ts";
import { readFiles, readManifestList, readManifests } from "../../lib/iceberg/live_files.ts";
import { decodeManifest, encodeManifest, type ManifestEntry } from "../../lib/iceberg/manifest.ts";
import { currentSchema, currentSpec } from "../../lib/iceberg/metadata.ts";
import { currentSnapshot } from "../../lib/iceberg/snapshot.ts";
import { evolveSchema } from "../../lib/iceberg/update.ts";
import { openSmallTable, type SmallTable } from "./small_table.ts";

async function manifests(table: SmallTable) {
  const { metadata } = await table.load();
  const list = await readManifestList(table.store, currentSnapshot(metadata)!["manifest-list"]);
  const read = await readManifests(table.store, list);
  return read.map(({ manifest, decoded }) => ({
    manifest,
    entries: decoded.entries.map((entry) => [
      entry.status,
      entry.file.path.split("/").at(-1)!.replace(".parquet", ""),
      entry.sequence_number,
    ]),
  }));
}

Deno.test("`encodeManifest` keeps entries, partitions and statistics", async () => {
  const table = await openSmallTable();
  const { metadata } = await table.load();
  const shape = { schema: currentSchema(metadata), spec: currentSpec(metadata) };
  const entries: ManifestEntry[] = [
    { status: "added", snapshot_id: 5, sequence_number: null, file: table.file("a") },
    {
      status: "deleted",
      snapshot_id: 2 ** 52,
      sequence_number: 3,
      file: {
        ...table.file("b"),
        partition: { at_day: null },
        column_stats: [{ id: 1, lower: 1, upper: 2, null_count: 0, value_count: 1, size_bytes: 99 }],
      },
    },
  ];
  const bytes = encodeManifest(shape, entries);
  assert.deepEqual(decodeManifest(bytes), { ...shape, entries });
  const { metadata: header } = decodeAvro(bytes);
  assert.equal(header.content, "data");
  assert.deepEqual(JSON.parse(header["partition-spec"]), shape.spec.fields);
});

Deno.test("`encodeManifest` cuts long texts, the lower bound downwards, the upper one upwards", async () => {
  const table = await openSmallTable();
  const { metadata } = await table.load();
  const shape = { schema: currentSchema(metadata), spec: currentSpec(metadata) };
  const long = "abcdefghijklmnopqrstuvwxyz";
  const file = {
    ...table.file("a"),
    column_stats: [{ id: 3, lower: long, upper: long, null_count: 0, value_count: 1 }],
  };
  const entry: ManifestEntry = { status: "added", snapshot_id: 5, sequence_number: null, file };
  const [{ file: { column_stats: [stats] } }] = decodeManifest(encodeManifest(shape, [entry])).entries;
  assert.deepEqual([stats.lower, stats.upper], ["abcdefghijklmnop", "abcdefghijklmnoq"]);
});

Deno.test("an append keeps the manifests of its parent and adds one", async () => {
  const table = await openSmallTable();
  await table.commit(() => ({ operation: "append", added: [table.file("a"), table.file("b", 20_005)] }));
  await table.commit(() => ({ operation: "append", added: [table.file("c")] }));
  const [second, first] = await manifests(table);
  assert.deepEqual(second.entries, [["added", "c", null]]);
  assert.deepEqual(first.entries, [["added", "a", null], ["added", "b", null]]);
  assert.equal(first.manifest.sequence_number, 1);
  assert.equal(second.manifest.sequence_number, 2);
  const [summary] = first.manifest.partitions;
  assert.deepEqual([...summary.lower!], [0x20, 0x4e, 0, 0]);
  assert.deepEqual([...summary.upper!], [0x25, 0x4e, 0, 0]);
  assert.equal(
    first.manifest.size_bytes,
    table.store.objects.get(table.store.keyOf(first.manifest.path)!)!.bytes.length,
  );
});

Deno.test("a replace writes touched manifests anew with their old sequence numbers, and the next commit drops the dead", async () => {
  const table = await openSmallTable();
  const path = (name: string) => table.file(name).path;
  await table.commit(() => ({ operation: "append", added: [table.file("a"), table.file("b")] }));
  await table.commit(() => ({ operation: "append", added: [table.file("c")] }));
  await table.commit(() => ({ operation: "append", added: [table.file("d")] }));
  await table.commit(() => ({
    operation: "replace",
    added: [table.file("bc")],
    removed: [path("b"), path("c")],
  }));
  const after = await manifests(table);
  const byFile = new Map(after.flatMap((one) => one.entries.map((entry) => [entry[1], entry])));
  assert.deepEqual(byFile.get("a"), ["existing", "a", 1]);
  assert.deepEqual(byFile.get("b"), ["deleted", "b", 1]);
  assert.deepEqual(byFile.get("c"), ["deleted", "c", 2]);
  const rewritten = after.find((one) => one.entries.some((entry) => entry[1] === "a"))!.manifest;
  assert.deepEqual([rewritten.sequence_number, rewritten.min_sequence_number], [4, 1]);
  assert.deepEqual([rewritten.existing_rows, rewritten.deleted_rows, rewritten.added_rows], [10, 10, 0]);
  assert.deepEqual(byFile.get("bc"), ["added", "bc", null]);
  assert.deepEqual(byFile.get("d"), ["added", "d", null]);
  const { summary } = currentSnapshot((await table.load()).metadata)!;
  assert.equal(summary["total-data-files"], "3");
  assert.equal(summary["deleted-records"], "20");
  const files = await readFiles(table.store, (await table.load()).metadata);
  assert.deepEqual(files.map((file) => [file.path, file.sequence_number]).sort(), [
    [path("a"), 1],
    [path("bc"), 4],
    [path("d"), 3],
  ]);
  await table.commit(() => ({ operation: "append", added: [table.file("e")] }));
  const names = (await manifests(table)).flatMap((one) => one.entries.map((entry) => entry[1]));
  assert.ok(!names.includes("c"), "a manifest with deleted entries only is gone");
  assert.ok(names.includes("b"), "one that still holds a file is kept as it is");
});

Deno.test("`readFiles` gives the files of an older snapshot, and says when one is gone", async () => {
  const table = await openSmallTable();
  await table.commit(() => ({ operation: "append", added: [table.file("a")] }));
  const before = (await table.load()).metadata;
  await table.commit(() => ({
    operation: "overwrite",
    added: [table.file("b")],
    removed: [table.file("a").path],
  }));
  const { metadata } = await table.load();
  const files = await readFiles(table.store, metadata, before["current-snapshot-id"]);
  assert.deepEqual(files.map((file) => file.path), [table.file("a").path]);
  assert.deepEqual(files[0].column_stats, table.file("a").column_stats);
  await assert.rejects(readFiles(table.store, metadata, 1), {
    code: "snapshot_gone",
    retry: "after_refresh",
  });
});

Deno.test("`readFiles` names the way out of a table whose place was moved", async () => {
  const table = await openSmallTable();
  await table.commit(() => ({ operation: "append", added: [table.file("a")] }));
  const text = JSON.stringify((await table.load()).metadata);
  const moved = JSON.parse(text.replaceAll(table.location, "file:///elsewhere/lake/table"));
  await assert.rejects(readFiles(table.store, moved), {
    message: /^Cannot read file:\/\/\/elsewhere\/.*After a move, main\.ts relocate/,
  });
});

Deno.test("a commit after a change of the schema writes old statistics in the new types", async () => {
  const table = await openSmallTable();
  const numbers = {
    ...table.file("a"),
    column_stats: [{ id: 4, lower: -7, upper: 7, null_count: 0, value_count: 10 }],
  };
  const evolve = (changes: Parameters<typeof evolveSchema>[1]) =>
    table.commit(({ metadata }) => ({ metadata: evolveSchema(metadata, changes, 0) }));
  await evolve([{ change: "add", column: { name: "n", type: "int" } }]);
  await table.commit(() => ({ operation: "append", added: [numbers, table.file("b")] }));
  await evolve([{ change: "widen", name: "n", type: "long" }, { change: "drop", name: "text" }]);
  await table.commit(() => ({ operation: "delete", added: [], removed: [table.file("b").path] }));
  const [file] = await readFiles(table.store, (await table.load()).metadata);
  assert.deepEqual(file.column_stats, numbers.column_stats);
});
