/** Every call on the store fails once, in every way: whoever comes next finishes the work, and nothing happens twice. */
import assert from "node:assert/strict";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { deadObjects } from "../../lib/iceberg/garbage.ts";
import { readFiles } from "../../lib/iceberg/live_files.ts";
import { namedObjects } from "../../lib/iceberg/named_objects.ts";
import { tableLocation, tablePrefix } from "../../lib/iceberg/paths.ts";
import { evolveSchema, newTableMetadata, setProperties } from "../../lib/iceberg/update.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { Crash, everyFault, FaultPlan } from "../faults/fault_plan.ts";
import { faultyStore } from "../faults/faulty_store.ts";
import { MemoryStore } from "../store/memory_store.ts";

const NAME = { stage: "raw", name: "events" };
const PREFIX = "lake/";
const APPENDS = 3;
const clock = { now: () => 0, sleep: () => Promise.resolve() };

/** One process: appends in order, a change of the schema, a compaction; each done at most once, whoever did it. */
async function work(store: ObjectStore): Promise<void> {
  const catalog = fileCatalog(store, { prefix: PREFIX, clock });
  const location = tableLocation(store, PREFIX, NAME);
  const columns = [{ name: "id", type: "long" }];
  await catalog.create(NAME, newTableMetadata({ uuid: "u", location, columns, partition: [], at: 0 }));
  const commit = (plan: Parameters<typeof commitUpdate>[0]["plan"]) =>
    commitUpdate({ catalog, store, name: NAME, plan, clock });
  const file = (name: string, record_count: number) => ({
    path: `${location}/data/${name}.parquet`,
    record_count,
    size_bytes: 100,
    partition: {},
    column_stats: [],
  });
  for (let i = 1; i <= APPENDS; i++) {
    await commit(({ metadata }) => {
      if (Number(metadata.properties.applied ?? 0) >= i) return null;
      return { operation: "append", added: [file(`f${i}`, i)], properties: { applied: String(i) } };
    });
  }
  await commit(({ metadata }) =>
    metadata.schemas.length > 1
      ? null
      : { metadata: evolveSchema(metadata, [{ change: "add", column: { name: "b", type: "int" } }], 0) }
  );
  await commit(async ({ metadata }) => {
    const live = await readFiles(store, metadata);
    if (live.length < 2) return null;
    const rows = live.reduce((sum, one) => sum + one.record_count, 0);
    return { operation: "replace", added: [file("all", rows)], removed: live.map((one) => one.path) };
  });
}

/** A table of so many commits before `work`, which does not make it again. */
async function storeWith(commits: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const catalog = fileCatalog(store, { prefix: PREFIX, clock });
  const location = tableLocation(store, PREFIX, NAME);
  const columns = [{ name: "id", type: "long" }];
  let base = await catalog.create(
    NAME,
    newTableMetadata({ uuid: "u", location, columns, partition: [], at: 0 }),
  );
  for (let i = 0; i < commits; i++) {
    base = (await catalog.commit(base, setProperties(base.metadata, { i: String(i) }, 0), `older-${i}`))!;
  }
  return store;
}

async function assertDone(store: MemoryStore, older: number, where: string): Promise<void> {
  const table = (await fileCatalog(store, { prefix: PREFIX, clock }).load(NAME))!;
  const { metadata } = table;
  for (const one of metadata["metadata-log"]) {
    assert.ok(await store.head(store.keyOf(one["metadata-file"])!), `${one["metadata-file"]} ${where}`);
  }
  assert.equal(metadata.snapshots.length, APPENDS + 1, where);
  assert.equal(metadata.schemas.length, 2, where);
  assert.equal(table.version, 1 + older + APPENDS + 1 + 1, where);
  metadata.snapshots.forEach((one, i) => {
    assert.equal(one["parent-snapshot-id"], metadata.snapshots[i - 1]?.["snapshot-id"], where);
    assert.equal(one.summary["total-records"], String([1, 3, 6, 6][i]), where);
  });
  const listed = await Array.fromAsync(store.list(tablePrefix(PREFIX, NAME)));
  const dead = deadObjects(
    listed.map(({ key }) => store.uri(key)),
    await namedObjects(store, table),
    table.version,
  );
  await store.delete(dead.map((address) => store.keyOf(address)!));
  for (const one of metadata.snapshots) {
    const files = await readFiles(store, metadata, one["snapshot-id"]);
    const rows = files.reduce((sum, file) => sum + file.record_count, 0);
    assert.equal(String(rows), one.summary["total-records"], where);
  }
}

async function callsOfOneRun(older: number): Promise<number> {
  const plan = FaultPlan.none();
  const store = await storeWith(older);
  await work(faultyStore(store, plan));
  await assertDone(store, older, "without faults");
  return plan.calls;
}

async function surviveEveryFault(older: number, create_before: "fault" | "unknown"): Promise<void> {
  for (const plan of everyFault(await callsOfOneRun(older))) {
    const store = await storeWith(older);
    try {
      await work(faultyStore(store, plan, { create_before }));
    } catch (error) {
      if (!(error instanceof Crash) && (error as { code?: string }).code !== "injected") throw error;
    }
    await work(store);
    await assertDone(store, older, `after ${plan.names.at(-1)}`);
  }
}

for (const create_before of ["fault", "unknown"] as const) {
  Deno.test(`commits survive a fault at every call (a create that was not made answers ${create_before})`, () =>
    surviveEveryFault(0, create_before));
}

Deno.test("commits that delete old versions survive a fault at every call", () =>
  // One of the appends lets the log go over its length.
  surviveEveryFault(118, "fault"));
