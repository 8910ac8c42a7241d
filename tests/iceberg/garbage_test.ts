/** Garbage: everything that a snapshot names stays, everything else that writers made may go, and nothing foreign. */
import assert from "node:assert/strict";
import { deadObjects, stillDead } from "../../lib/iceberg/garbage.ts";
import { namedObjects } from "../../lib/iceberg/named_objects.ts";
import { readFiles } from "../../lib/iceberg/live_files.ts";
import { tablePrefix } from "../../lib/iceberg/paths.ts";
import { expireSnapshots, fenceProperties } from "../../lib/iceberg/update.ts";
import { NAME, openSmallTable, PREFIX, type SmallTable } from "./small_table.ts";

async function listed(table: SmallTable): Promise<string[]> {
  const entries = await Array.fromAsync(table.store.list(tablePrefix(PREFIX, NAME)));
  return entries.map(({ key }) => table.store.uri(key));
}

async function store(table: SmallTable, name: string) {
  const file = table.file(name);
  await table.store.create(table.store.keyOf(file.path)!, new Uint8Array(1));
  return file;
}

async function dead(table: SmallTable): Promise<string[]> {
  const loaded = await table.load();
  return deadObjects(await listed(table), await namedObjects(table.store, loaded), loaded.version);
}

const short = (paths: readonly string[]) => paths.map((path) => path.split("/").at(-1)!).sort();

Deno.test("`deadObjects` of a table that lost nothing is empty", async () => {
  const table = await openSmallTable();
  for (const name of ["a", "b"]) {
    const added = [await store(table, name)];
    await table.commit(() => ({ operation: "append", added }));
  }
  await table.store.create("lake/processed/things/notes.txt", new Uint8Array());
  assert.deepEqual(await dead(table), []);
});

Deno.test("a replaced file goes when its last snapshot does, an orphan at once", async () => {
  const table = await openSmallTable();
  for (const name of ["a", "b"]) {
    const added = [await store(table, name)];
    await table.commit(() => ({ operation: "append", added }));
  }
  const merged = await store(table, "ab");
  const removed = ["a", "b"].map((name) => table.file(name).path);
  await table.commit(() => ({ operation: "replace", added: [merged], removed }));
  await store(table, "orphan");
  assert.deepEqual(short(await dead(table)), ["orphan.parquet"]);
  await table.commit(({ metadata }) => ({ metadata: expireSnapshots(metadata, new Set(), 0) }));
  const gone = await dead(table);
  assert.deepEqual(short(gone).filter((name) => name.endsWith(".parquet")), [
    "a.parquet",
    "b.parquet",
    "orphan.parquet",
  ]);
  // The lists of the three snapshots before the last one, and the manifests that they alone name.
  assert.ok(gone.filter((address) => address.endsWith(".avro")).length >= 3, gone.join());
  await table.store.delete(gone.map((address) => table.store.keyOf(address)!));
  const files = await readFiles(table.store, (await table.load()).metadata);
  assert.deepEqual(short(files.map((file) => file.path)), ["ab.parquet"]);
  assert.deepEqual(await dead(table), []);
});

Deno.test("what a commit before the fence adopted is taken off the list, and the fence shows to every writer", async () => {
  const table = await openSmallTable();
  const late = await store(table, "late");
  const candidates = await dead(table);
  assert.deepEqual(short(candidates), ["late.parquet"]);
  await table.commit(() => ({ operation: "append", added: [late] }));
  let base: Set<string> | null = null;
  const fence = await table.commit(async (loaded) => {
    base = await namedObjects(table.store, loaded);
    return { operation: "append", added: [], properties: fenceProperties(loaded.metadata) };
  });
  assert.deepEqual(stillDead(candidates, base!), []);
  assert.equal(fence?.metadata.properties.collected, "1");
  await table.commit(({ metadata }) => ({
    operation: "append",
    added: [],
    properties: fenceProperties(metadata),
  }));
  assert.equal((await table.load()).metadata.properties.collected, "2");
});

Deno.test("old metadata versions go when the log no longer names them, the newest and ghosts above never", async () => {
  const live = new Set(["s3://b/t/metadata/v8.metadata.json"]);
  const all = [7, 8, 9, 10].map((n) => `s3://b/t/metadata/v${n}.metadata.json`);
  assert.deepEqual(deadObjects([...all, "s3://b/t/metadata/version-hint.text"], live, 9), [all[0]]);
  const table = await openSmallTable();
  for (let i = 0; i < 125; i++) {
    await table.commit(() => ({ operation: "append", added: [], properties: { i: `${i}` } }));
  }
  const gone = async () => short(await dead(table)).filter((name) => name.endsWith(".json"));
  assert.deepEqual(await gone(), [], "whoever commits deletes them");
  const key = table.store.keyOf((await table.load()).metadata_location)!;
  await table.store.create(key.replace("v126", "v1"), new Uint8Array());
  assert.deepEqual(await gone(), ["v1.metadata.json"], "as a crash may leave it");
});
