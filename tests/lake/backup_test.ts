/**
 * Backups. Invariant: whatever happens between any two calls of a backup, what it copied goes on by itself: every record
 * that was acknowledged before it began is there, every one is one row, the audit is clean, snapshots are whole.
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { backup, BACKUP_FILE } from "../../lib/lake/backup.ts";
import { missingFrom } from "../../lib/lake/backup_needs.ts";
import { layOut, readBackup } from "../../lib/lake/restore_backup.ts";
import { copyLog } from "../../lib/log/copy_log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { interruptingStore } from "../faults/interrupting_store.ts";
import { forEachCall } from "../faults/sample.ts";
import { quickFolder } from "../quick_folder.ts";
import { PREFIX, SmallLake, usedLake, withWriter } from "./small_lake.ts";

const quiet = { add: () => undefined, end: () => undefined };

async function back(lake: SmallLake, to: string, store: ObjectStore = lake.store, disk_prefix = PREFIX) {
  return await backup({
    store,
    catalog: lake.catalog({ store }),
    chains: lake.chains({ store }),
    prefix: PREFIX,
    disk_prefix,
    now: () => lake.clock.time,
    progress: () => quiet,
    async copyLog(folder) {
      await Deno.remove(folder, { recursive: true }).catch(() => undefined);
      await Deno.mkdir(folder);
      await copyLog(`${lake.folder}/log`, folder);
      return await openSqliteLog({ directory: folder, partitions: 1 });
    },
  }, to);
}

async function restored(lake: SmallLake, from: string): Promise<SmallLake> {
  const folder = await quickFolder();
  await Deno.remove(folder);
  await layOut(from, folder, { file: await readBackup(from), copied: () => undefined });
  const copy = await SmallLake.open(lake.writer, folder);
  copy.has_history = false;
  return copy;
}

/** What a program does that is started on it. */
async function goesOn(lake: SmallLake, least: number): Promise<void> {
  ok(lake.records >= least, `${lake.records} of ${least} records`);
  await lake.checkObjects();
  await lake.append(3);
  await lake.process();
  await lake.publish();
  await lake.checkWhole();
  await lake.collect();
  await lake.checkWhole();
}

Deno.test("a backup goes on by itself, with the same snapshots, and twice the same", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const to = await quickFolder();
    const report = await back(lake, to);
    strictEqual(report.rounds, 1);
    await using copy = await restored(lake, to);
    strictEqual(copy.records, lake.records);
    deepStrictEqual(await snapshotsOf(copy), await snapshotsOf(lake));
    await goesOn(copy, lake.records);
    await Deno.remove(to, { recursive: true });
  }));

Deno.test("a backup's tables lie where a disk has them, whatever the bucket called their place", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const [same, moved] = [await quickFolder(), await quickFolder()];
    await back(lake, same);
    await back(lake, moved, lake.store, "on/disk/");
    const sizesOf = async (from: string) => (await readBackup(from)).objects;
    const expected = Object.entries(await sizesOf(same)).map(([key, size]) => [
      key.startsWith(PREFIX) ? `on/disk/${key.slice(PREFIX.length)}` : key,
      size,
    ]);
    deepStrictEqual(await sizesOf(moved), Object.fromEntries(expected));
    strictEqual((await sizesOf(moved))["on/disk/.tables/raw.events"], 0);
    await Promise.all([same, moved].map((folder) => Deno.remove(folder, { recursive: true })));
  }));

async function snapshotsOf(lake: SmallLake) {
  const tables = await Promise.all((await lake.catalog().list()).map((name) => lake.catalog().load(name)));
  return tables.map((table) => table!.metadata.snapshots);
}

Deno.test("a backup with everything else in between any two of its calls goes on by itself", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const interrupted = async (call: number) => {
      await using at = await lake.copy();
      const least = at.records;
      const to = await quickFolder();
      const { store, calls } = interruptingStore(at.store, call, async () => {
        await at.publish();
        for (let i = 0; i < 2; i++) {
          await at.append(9);
          await at.process();
          await at.publish();
        }
        await at.compact();
        at.clock.time += 3 * 3_600_000;
        await at.expire();
        await at.collect();
        await at.append(3);
        await at.process();
      });
      await back(at, to, store);
      await using copy = await restored(at, to);
      await goesOn(copy, least);
      await Deno.remove(to, { recursive: true });
      return calls();
    };
    await forEachCall(await interrupted(0), 18, async (call) => void await interrupted(call));
  }));

/** The same lake, in which `act` happens before checkpoint object `nth` is copied. */
function beforeCheckpoint(store: ObjectStore, nth: number, act: () => Promise<void>): ObjectStore {
  let copied = 0;
  return {
    ...store,
    async readToFile(key, path, signal) {
      if (key.startsWith("checkpoints/") && ++copied === nth) await act();
      return await store.readToFile(key, path, signal);
    },
  };
}

Deno.test("a backup whose checkpoints are collected while they are copied has none below what tables have applied", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    await lake.publish();
    for (const nth of [1, 2]) {
      await using at = await lake.copy();
      const least = at.records;
      const to = await quickFolder();
      const store = beforeCheckpoint(at.store, nth, async () => {
        for (let i = 0; i < 3; i++) {
          await at.append(9);
          await at.process({ image_floor_bytes: 0 });
          await at.publish();
        }
        // The log keeps what the copied checkpoints would read on from.
        await at.collector({}, { log_retention_hours: 168 }).collect({ full: true });
      });
      strictEqual((await back(at, to, store)).rounds, 2);
      await using copy = await restored(at, to);
      await goesOn(copy, least);
      await Deno.remove(to, { recursive: true });
    }
  }));

Deno.test("a backup that was not finished, or lost a byte, is refused", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const to = await quickFolder();
    await back(lake, to);
    const file = await readBackup(to);
    const [key] = Object.keys(file.objects).filter((one) => one.endsWith(".parquet"));
    await Deno.truncate(`${to}/objects/${key}`, 10);
    await rejects(restored(lake, to), /has 10 bytes instead of/);
    await Deno.remove(`${to}/objects/${key}`);
    await rejects(restored(lake, to), /is missing/);
    await Deno.remove(`${to}/${BACKUP_FILE}`);
    await rejects(restored(lake, to), /not finished/);
    await Deno.remove(to, { recursive: true });
  }));

Deno.test("`missingFrom` names what the copied tables lack, and what a restore lacks", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const chain = lake.chains().get(0)!;
    const numbers = await chain.numbers();
    const read = await Promise.all(numbers.map((number) => chain.read(number)));
    const checkpoints = new Map(read.map((one) => [one!.number, one!]));
    const objects = new Set(read.flatMap((one) => [one!.segment?.key ?? "", one!.state.image?.key ?? ""]));
    const copy = { partition: 0, highest: 99, checkpoints, objects };
    const applied = (number: number) =>
      new Map(
        ["raw.events", "processed.transactions"].map((table) => [table, { 0: { number, next_offset: 0 } }]),
      );
    strictEqual(missingFrom(copy, applied(0)), null);
    const newest = read.at(-1)!;
    const { number: highest } = newest;
    strictEqual(missingFrom({ ...copy, highest }, applied(highest)), null);
    ok(missingFrom({ ...copy, highest }, applied(highest + 1))?.includes("has applied"));
    ok(missingFrom({ partition: 0, highest: 0, checkpoints: new Map(), objects }, applied(1)) !== null);
    const without = (key: string) => ({
      ...copy,
      objects: new Set([...objects].filter((one) => one !== key)),
    });
    strictEqual(missingFrom(without(newest.state.image!.key), applied(99)), newest.state.image!.key);
    const old = read.find((one) => one!.segment && one!.number <= newest.state.after)!;
    strictEqual(missingFrom(without(old.segment!.key), applied(old.number)), null);
    ok(missingFrom(without(old.segment!.key), applied(old.number - 1))?.includes("has not applied"));
    const fewer = new Map([...checkpoints].filter(([number]) => number !== old.number));
    ok(missingFrom({ ...copy, checkpoints: fewer }, applied(old.number - 1))?.includes("has not applied"));
    const changed = read.findLast((one) => one!.segment && one!.number > newest.state.after);
    if (changed) ok(missingFrom(without(changed.segment!.key), applied(99)) !== null);
  }));
