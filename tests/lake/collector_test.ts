/** The collector leaves what is named and nothing else, trims the log, and lets an idle lake be. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { GRACE_MS, SmallLake, usedLake, withWriter } from "./small_lake.ts";

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
