/** `main.ts backup <dir>` and `restore <dir>`: the embedded log and the lake, consistent, beside a running server. */
import { partitionsOf } from "../lib/checkpoint/partitions.ts";
import { systemClock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import {
  connectCatalog,
  connectChains,
  copyEmbeddedLog,
  DISK_LAKE_PREFIX,
  lakePrefix,
  openStore,
} from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import { backup as makeBackup } from "../lib/lake/backup.ts";
import { layOut, readBackup } from "../lib/lake/restore_backup.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { needLake } from "./lake_place.ts";
import { progressOnTerminal } from "./progress.ts";
import { relocateAll } from "./relocate.ts";
import { sizeText } from "./size_text.ts";

export const backup: Command = {
  names: ["backup"],
  usage: "backup <dir> [--dry-run]",
  doc: "copy the embedded log and the lake, while they are in use",
  on_lake: true,
  async run({ args, settings }) {
    const { words: [to], flags } = parseArguments(args, { words: [1, 1], flags: ["dry-run"] });
    refuseBroker(settings);
    if (!await isEmpty(to)) throw refused(`back up into ${to}`, "it is not empty");
    await needLake(settings);
    await using store = await openStore(settings);
    const catalog = connectCatalog(settings, store);
    if (flags.has("dry-run")) {
      console.log(`backup: ${(await catalog.list()).length} tables would be copied into ${to}`);
      return 0;
    }
    await Deno.mkdir(to, { recursive: true });
    const done = await makeBackup({
      store,
      catalog,
      chains: connectChains(store, await partitionsOf(store)),
      prefix: lakePrefix(settings),
      disk_prefix: DISK_LAKE_PREFIX,
      now: systemClock.now,
      copyLog: (folder) => copyEmbeddedLog(settings, folder),
      progress: (what, total) => progressOnTerminal(what, total, systemClock),
    }, to);
    console.log(`backup: ${done.objects} objects, ${sizeText(done.bytes)}, and the log in ${to}`);
    return 0;
  },
};

export const restore: Command = {
  names: ["restore"],
  usage: "restore <dir> [--dry-run]",
  doc: "lay a backup out in DATA_DIR, which must be empty or not there",
  async run({ args, settings }) {
    const { words: [from], flags } = parseArguments(args, { words: [1, 1], flags: ["dry-run"] });
    refuseBroker(settings);
    if (settings.S3_BUCKET !== null) {
      throw refused(`restore ${from}`, "the lake is in a bucket; it goes to a disk");
    }
    const target = settings.DATA_DIR;
    if (!await isEmpty(target)) {
      throw refused(`restore into ${target}`, "it is not empty; set another DATA_DIR");
    }
    const file = await readBackup(from);
    const count = Object.keys(file.objects).length;
    if (flags.has("dry-run")) {
      console.log(`restore: ${count} objects of ${file.made_at} would be laid out in ${target}`);
      return 0;
    }
    // Under another name until all is there: nothing may start on half a lake.
    const beside = `${target.replace(/\/+$/, "")}.restoring-${crypto.randomUUID()}`;
    const progress = progressOnTerminal("objects", count, systemClock);
    try {
      await layOut(from, beside, { file, copied: () => progress.add(1) });
      await removeEmpty(target);
      await Deno.rename(beside, target);
    } catch (error) {
      await Deno.remove(beside, { recursive: true }).catch(() => undefined);
      throw error;
    } finally {
      progress.end();
    }
    const { tables } = await relocateAll(settings, false);
    const moved = tables === 0 ? "" : `, ${tables} tables brought to their new place`;
    console.log(`restore: ${count} objects of ${file.made_at} in ${target}${moved}`);
    return 0;
  },
};

function refuseBroker(settings: Settings): void {
  if (settings.KAFKA_BROKERS === null) return;
  throw refused(
    "copy the log",
    "it is Kafka's, which has tools of its own; back up the store with the store's",
  );
}

async function isEmpty(folder: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(folder)) return false;
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

async function removeEmpty(folder: string): Promise<void> {
  try {
    await Deno.remove(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function refused(what: string, state: string): Fault {
  return new Fault("backup_refused", `Cannot ${what}: ${state}`, { blame: "sender", retry: "never" });
}
