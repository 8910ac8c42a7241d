/** The catalog without a server passes the suite on a store in memory and on a disk. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import type { TableMetadata } from "../../lib/iceberg/metadata.ts";
import { hintKey, versionKey } from "../../lib/iceberg/paths.ts";
import { newTableMetadata, setProperties } from "../../lib/iceberg/update.ts";
import { catalogContract, type OpenCatalog } from "../contracts/catalog_contract.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { openTempDiskStore } from "../store/temp_disk_store.ts";

const NAME = { stage: "raw", name: "events" };
const PREFIX = "lake/";
const clock = { now: () => 0, sleep: () => Promise.resolve() };

const inMemory: OpenCatalog = (wrap = (store) => store) => {
  const memory = new MemoryStore();
  const store = wrap(memory);
  const catalog = fileCatalog(store, { prefix: PREFIX, clock });
  return Promise.resolve({
    catalog,
    store,
    prefix: PREFIX,
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  });
};

const onDisk: OpenCatalog = async (wrap = (store) => store) => {
  const disk = await openTempDiskStore();
  const store = wrap(disk.store);
  const catalog = fileCatalog(store, { prefix: PREFIX, clock });
  return { catalog, store, prefix: PREFIX, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() };
};

catalogContract("file catalog in memory", inMemory);
catalogContract("file catalog on disk", onDisk, { commits: 130 });

async function tableWithVersions(count: number) {
  const store = new MemoryStore();
  const catalog = fileCatalog(store, { prefix: PREFIX, clock });
  const location = store.uri("lake/raw/events");
  const first = newTableMetadata({ uuid: "u", location, columns: [], partition: [], at: 0 });
  let base = await catalog.create(NAME, first);
  for (let i = 2; i <= count; i++) {
    base = (await catalog.commit(base, setProperties(base.metadata, { i: String(i) }, 0), `w${i}`))!;
    assert.deepEqual(base, await catalog.load(NAME));
  }
  return { store, catalog, base };
}

Deno.test("`load` takes the highest number, not the hint and not the order of texts", async () => {
  const { store } = await tableWithVersions(11);
  await store.putHint(hintKey(PREFIX, NAME), new TextEncoder().encode("3"));
  const loaded = await fileCatalog(store, { prefix: PREFIX, clock }).load(NAME);
  assert.equal(loaded?.version, 11);
  assert.equal(loaded?.metadata.properties.i, "11");
});

Deno.test("`commit` on a base whose next number was collected does not believe its own win", async () => {
  const { store, catalog } = await tableWithVersions(2);
  const sleeper = (await catalog.load(NAME))!;
  let base = sleeper;
  for (const write of ["w3", "w4"]) {
    base = (await catalog.commit(base, setProperties(base.metadata, { write }, 0), write))!;
  }
  await store.delete([1, 2, 3].map((version) => versionKey(PREFIX, NAME, version)));
  const late = fileCatalog(store, { prefix: PREFIX, clock });
  assert.equal(
    await late.commit(sleeper, setProperties(sleeper.metadata, { write: "late" }, 0), "late"),
    null,
  );
  assert.equal((await late.load(NAME))?.metadata.properties.write, "w4");
  const hint = await store.read(hintKey(PREFIX, NAME));
  assert.equal(new TextDecoder().decode(hint!), "4", "a hint is written only after the second look");
});

Deno.test("`create` adopts a table whose first version was collected", async () => {
  const { store } = await tableWithVersions(3);
  await store.delete([versionKey(PREFIX, NAME, 1)]);
  const adopted = await fileCatalog(store, { prefix: PREFIX, clock }).create(
    NAME,
    newTableMetadata({ uuid: "other", location: "s3://memory/x", columns: [], partition: [], at: 0 }),
  );
  assert.equal(adopted.metadata["table-uuid"], "u");
  assert.equal(adopted.version, 3);
});

Deno.test("`list` leaves out a table whose creator died before its first version", async () => {
  const { store, catalog } = await tableWithVersions(1);
  await store.create("lake/.tables/raw.never", new Uint8Array());
  assert.deepEqual(await catalog.list(), [NAME]);
});

Deno.test("a commit deletes only versions of its own table, and stands where they cannot be deleted", async () => {
  const { store } = await tableWithVersions(1);
  const elsewhere = versionKey(PREFIX, { stage: "raw", name: "other" }, 1);
  await store.create(elsewhere, new Uint8Array());
  const unwilling = new Proxy(store, {
    get(target, property) {
      if (property !== "delete") return Reflect.get(target, property, target).bind(target);
      const fault = new Fault("store_failed", "no", { blame: "dependency", retry: "after_backoff" });
      return () => Promise.reject(fault);
    },
  });
  const metadataOf = (metadata: TableMetadata, files: readonly string[]) => ({
    ...metadata,
    "metadata-log": files.map((file) => ({ "metadata-file": file, "timestamp-ms": 0 })),
  });
  const named = Array.from(
    { length: 200 },
    (_, i) => store.uri(i % 2 ? elsewhere : `lake/raw/events/data/${i}`),
  );
  const catalog = fileCatalog(unwilling, { prefix: PREFIX, clock });
  const base = (await catalog.load(NAME))!;
  const first = (await catalog.commit(base, metadataOf(base.metadata, named), "w2"))!;
  assert.equal(first.metadata["metadata-log"].length, 100, "they go from the log at once");
  const again = Array.from({ length: 120 }, () => first.metadata["metadata-log"].at(-1)!["metadata-file"]);
  const second = (await catalog.commit(first, metadataOf(first.metadata, again), "w3"))!;
  assert.equal((await catalog.load(NAME))?.version, second.version, "what cannot be deleted is left");
  const willing = fileCatalog(store, { prefix: PREFIX, clock });
  await willing.commit(second, metadataOf(second.metadata, [...again, ...named]), "w4");
  assert.ok(await store.head(elsewhere), "no version of another table goes");
  assert.equal(await store.head(versionKey(PREFIX, NAME, 1)), null);
});
