/** The collector leaves what is named and nothing else, trims the log, and lets an idle lake be. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { checkpointNumber } from "../../lib/checkpoint/paths.ts";
import type { Catalog } from "../../lib/iceberg/catalog.ts";
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { readFiles } from "../../lib/iceberg/live_files.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { FaultPlan } from "../faults/fault_plan.ts";
import { faultyStore } from "../faults/faulty_store.ts";
import { GRACE_MS, PREFIX, SmallLake, usedLake, withWriter } from "./small_lake.ts";

Deno.test("the collector leaves what is named, and nothing else", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    await lake.collect();
    await lake.publish();
    await lake.collect();
    await lake.checkWhole();
    await lake.checkNothingElse();
    const before = await lake.keys();
    lake.clock.time += GRACE_MS;
    deepStrictEqual(await lake.collector().collect(), {
      segments: 0,
      images: 0,
      checkpoints: 0,
      deleted: 0,
      fenced: 0,
      waiting: 0,
    });
    await lake.collect();
    deepStrictEqual(await lake.keys(), before, "an idle lake stays as it is");
  }));

Deno.test("garbage waits for its grace, which is counted from the fence, also by another process", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const { fenced } = await lake.collector().collect();
    ok(fenced > 10);
    const parquet = async () => (await lake.keys()).filter((key) => key.endsWith(".parquet")).length;
    const before = await parquet();
    lake.clock.time += GRACE_MS - 1;
    const early = await lake.collector().collect();
    deepStrictEqual([early.waiting, early.deleted, await parquet()], [fenced, 0, before]);
    lake.clock.time += 1;
    const dry = await lake.collector().collect({ dry_run: true });
    deepStrictEqual([dry.deleted, await parquet()], [fenced, before]);
    const late = await lake.collector().collect();
    strictEqual(late.deleted, fenced);
    ok(await parquet() < before);
    await lake.checkWhole();
  }));

Deno.test("a dry run deletes nothing, commits nothing, and says what a real run does", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const before = await lake.keys();
    const dry = await lake.collector().collect({ full: true, dry_run: true });
    deepStrictEqual(await lake.keys(), before);
    const { begin } = await lake.log.bounds("events", 0);
    strictEqual(begin, 0);
    deepStrictEqual(await lake.collector().collect({ full: true }), dry);
  }));

Deno.test("the log goes up to what two checkpoints have passed and all tables hold, and no younger than allowed", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    const begin = async () => (await lake.log.bounds("events", 0)).begin;
    for (let i = 0; i < 6; i++) await lake.append(3);
    await lake.process();
    lake.clock.time += 1;
    await lake.collector().collect();
    strictEqual(await begin(), 0, "nothing is published");
    await lake.publish();
    await lake.collector({}, { log_retention_hours: 1 }).collect();
    strictEqual(await begin(), 0, "all of it is young");
    await lake.collector().collect();
    strictEqual(await begin(), 15, "the newest checkpoint may turn out damaged");
    await lake.checkWhole();
  }));

Deno.test("results stay an hour where the log keeps nothing", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    const send = (id: string) =>
      lake.log.append("alerts", [{
        partition: 0,
        key: id,
        value: new Uint8Array(1),
        headers: {},
        received_at: lake.clock.time,
      }]);
    await send("old");
    lake.clock.time += GRACE_MS;
    await send("young");
    await lake.collector().collect();
    deepStrictEqual(await lake.log.bounds("alerts", 0), { begin: 0, end: 2 });
    lake.clock.time += 1;
    await lake.collector().collect();
    deepStrictEqual(await lake.log.bounds("alerts", 0), { begin: 1, end: 2 });
  }));

Deno.test("a clock four days off makes nobody delete what lives", () =>
  withWriter(async (writer) => {
    for (const off of [-4, 4]) {
      await using lake = await usedLake(writer);
      const clock = { now: () => lake.clock.time + off * 86_400_000, sleep: () => Promise.resolve() };
      for (let i = 0; i < 3; i++) {
        await lake.collector({ clock }).collect({ full: true });
        await lake.checkObjects();
      }
      await lake.publish();
      await lake.collector({ clock }).collect({ full: true });
      await lake.checkWhole();
    }
  }));

Deno.test("what a foreign hand left in a table's folder stays", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const foreign = ["lake/raw/events/notes.txt", "lake/raw/events/data/notes.csv"];
    for (const key of foreign) await lake.store.create(key, new Uint8Array(1));
    await lake.collect();
    const keys = await lake.keys();
    ok(foreign.every((key) => keys.includes(key)));
  }));

Deno.test("rows for a table that does not exist yet keep their segments", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    const keys = [...await lake.keys("lake/processed/transactions/"), "lake/.tables/processed.transactions"];
    await lake.store.delete(keys);
    await lake.append(24);
    await lake.process();
    const publisher = lake.publisher();
    await publisher.publish(lake.specs.find(({ key }) => key === "raw.events")!, await publisher.decided());
    await lake.collect();
    const { catalog, store } = { catalog: lake.catalog(), store: lake.store };
    await ensureTables({ catalog, store, specs: lake.specs, prefix: PREFIX, now: () => 0 });
    await lake.checkWhole();
  }));

Deno.test("checkpoints go from the bottom up, so that a crash leaves no gap", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    await lake.publish();
    const gone: number[] = [];
    const store: ObjectStore = {
      ...faultyStore(lake.store, FaultPlan.none()),
      delete: async (keys) => {
        gone.push(
          ...keys.filter((key) => key.startsWith("checkpoints/")).map((key) => checkpointNumber(key)!),
        );
        await lake.store.delete(keys);
      },
    };
    await lake.collector({ store }).collect();
    ok(gone.length > 2);
    deepStrictEqual(gone, gone.toSorted((a, b) => a - b));
  }));

/** What pass 1 remembers of raw.events. */
async function remembered(lake: SmallLake): Promise<string[]> {
  const [key] = await lake.keys("state/collections/raw.events/");
  return JSON.parse(new TextDecoder().decode((await lake.store.read(key))!)).keys;
}

/** A catalog before whose first commit of raw.events something else happens. */
function interrupted(
  catalog: Catalog,
  meanwhile: (...asked: Parameters<Catalog["commit"]>) => Promise<unknown>,
) {
  let isFirst = true;
  const racing: Catalog = {
    list: () => catalog.list(),
    load: (name) => catalog.load(name),
    create: (name, metadata) => catalog.create(name, metadata),
    commit: async (...asked) => {
      if (isFirst && asked[0].name.name === "events") {
        isFirst = false;
        await meanwhile(...asked);
      }
      return await catalog.commit(...asked);
    },
  };
  return racing;
}

Deno.test("a file whose commit came before the fence is off the list, and its readers get the whole grace", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const before = new Set(await lake.keys("lake/raw/events/data/"));
    // The publisher has stored its file and not committed it; a collector finds it dead; now it is committed.
    const publisher = lake.publisher({
      catalog: interrupted(lake.catalog(), async (...publication) => {
        const catalog = interrupted(lake.catalog(), () => lake.catalog().commit(...publication));
        await lake.collector({ catalog }).collect({ full: true });
      }),
    });
    const raw = lake.specs.find(({ key }) => key === "raw.events")!;
    await publisher.publish(raw, await publisher.decided());
    const late = (await lake.keys("lake/raw/events/data/")).filter((key) => !before.has(key));
    strictEqual(late.length, 1);
    ok(!(await remembered(lake)).includes(late[0]));
    await lake.checkWhole();
  }));

Deno.test("what somebody named again during the grace is not deleted", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    await lake.publish();
    await lake.collector().collect({ full: true });
    const again = (await remembered(lake)).find((key) => key.endsWith(".parquet"))!;
    const { catalog, store, clock } = { catalog: lake.catalog(), store: lake.store, clock: lake.clock };
    const name = { stage: "raw", name: "events" };
    await commitUpdate({
      catalog,
      store,
      clock,
      name,
      plan: async ({ metadata }) => {
        const [file] = await readFiles(store, metadata);
        return { operation: "append", added: [{ ...file, path: store.uri(again) }] };
      },
    });
    lake.clock.time += GRACE_MS;
    await lake.collector().collect({ full: true });
    ok((await lake.keys("lake/raw/events/data/")).includes(again));
  }));
