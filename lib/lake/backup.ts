/**
 * A copy of the whole lake while it is being written to, from which everything goes on.
 *
 *   tables ─► what they name ─► checkpoints with segments and state ─► log ─► backup.json
 *     └ older ─────────────────────────────────────────────── younger ┘
 *
 * Whatever is copied later is younger than what was copied before: no copied table has applied a checkpoint that is not
 * copied, no copied checkpoint stands beyond the copied log. What only went away meanwhile (published and collected, or
 * trimmed) is looked for at the end, and if it is needed the copy is made again from newer tables, of which most is
 * there by then. `backup.json` comes last: a copy without it is not complete.
 */
import { z } from "zod";
import type { CheckpointChain } from "../checkpoint/chain.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { checkpointKey } from "../checkpoint/paths.ts";
import { Fault } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { namedObjects } from "../iceberg/named_objects.ts";
import { hintKey, markerKey, versionOf } from "../iceberg/paths.ts";
import type { EventLog } from "../log/log.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { type Applied, appliedOf } from "./applied.ts";
import { missingFrom } from "./backup_needs.ts";
import { FolderCopy } from "./folder_copy.ts";
import { tableKey } from "./table_key.ts";

export interface BackupContext {
  store: ObjectStore;
  catalog: Catalog;
  chains: ReadonlyMap<number, CheckpointChain>;
  /** Key prefix of the tables, and the one that they have where a backup is laid out. */
  prefix: string;
  disk_prefix: string;
  /** Copies the log into a folder, and opens the copy. */
  copyLog(folder: string): Promise<EventLog>;
  now: () => number;
  /** Hears how many of how many objects of a sort are there. */
  progress(what: string, total: number): { add(count: number): void; end(): void };
}

export interface BackupReport {
  objects: number;
  bytes: number;
  rounds: number;
}

const BackupFile = z.object({
  format: z.literal(1),
  made_at: z.string(),
  /** Bytes by place. */
  objects: z.record(z.string(), z.number()),
  /** End of each partition of the events topic. */
  log_ends: z.array(z.number()),
});
export type BackupFile = z.infer<typeof BackupFile>;

export const BACKUP_FILE = "backup.json";
export const OBJECTS_FOLDER = "objects";
export const LOG_FOLDER = "log";
const ROUNDS = 20;
/** What others keep in the store. */
const OTHER_PREFIXES = ["leases/"];

/** Copies into the folder `to`, which must exist and be empty. */
export async function backup(context: BackupContext, to: string): Promise<BackupReport> {
  const copy = new FolderCopy(context.store, `${to}/${OBJECTS_FOLDER}`);
  for (let round = 1; round <= ROUNDS; round++) {
    copy.begin();
    const applied = await copyTables(context, copy);
    if (!applied) continue;
    await copyOthers(context, copy);
    const heads = await copyPartitions(context, copy, applied);
    if (!heads) continue;
    const log_ends = await copiedLog(context, `${to}/${LOG_FOLDER}`, heads);
    if (!log_ends) continue;
    await copy.prune();
    const made_at = new Date(context.now()).toISOString();
    const file: BackupFile = { format: 1, made_at, objects: Object.fromEntries(copy.wanted), log_ends };
    await Deno.writeTextFile(`${to}/${BACKUP_FILE}`, JSON.stringify(file));
    const bytes = [...copy.wanted.values()].reduce((sum, size) => sum + size, 0);
    return { objects: copy.wanted.size, bytes, rounds: round };
  }
  throw new Fault("backup_overtaken", "Cannot back up: what was copied was collected again and again", {
    blame: "dependency",
    retry: "after_backoff",
  });
}

export function parseBackupFile(text: string): BackupFile {
  return BackupFile.parse(JSON.parse(text));
}

/** What each copied table has applied; null when something that a table named has gone meanwhile. */
async function copyTables(context: BackupContext, copy: FolderCopy): Promise<Map<string, Applied> | null> {
  const { catalog, store, prefix, disk_prefix } = context;
  const placeOf = (key: string) => key.startsWith(prefix) ? `${disk_prefix}${key.slice(prefix.length)}` : key;
  const tables = await Promise.all((await catalog.list()).map((name) => catalog.load(name)));
  const applied = new Map<string, Applied>();
  const progress = context.progress("tables", tables.length);
  for (const table of tables.filter((one) => one !== null)) {
    const named = await namesOf(store, table);
    if (!named || !await copy.take(named, placeOf)) return null;
    await copy.write(hintKey(disk_prefix, table.name), String(table.version));
    await copy.take([markerKey(prefix, table.name)], placeOf);
    applied.set(tableKey(table.name), appliedOf(table.metadata));
    progress.add(1);
  }
  progress.end();
  return applied;
}

/** Keys, the metadata file last; null when a manifest has gone meanwhile. */
async function namesOf(store: ObjectStore, table: LoadedTable): Promise<string[] | null> {
  try {
    const named = [...await namedObjects(store, table)].filter((address) => versionOf(address) === null);
    return [...named, table.metadata_location].map((address) => store.keyOf(address)).filter((key) =>
      key !== null
    );
  } catch (error) {
    if (error instanceof Fault && error.code === "snapshot_gone") return null;
    throw error;
  }
}

async function copyOthers({ store }: BackupContext, copy: FolderCopy): Promise<void> {
  for (const prefix of OTHER_PREFIXES) {
    for await (const { key } of store.list(prefix)) await copy.take([key]);
  }
}

/** The newest checkpoint of each partition; null when something is missing that the copied tables lack. */
async function copyPartitions(
  context: BackupContext,
  copy: FolderCopy,
  applied: ReadonlyMap<string, Applied>,
): Promise<(Checkpoint | null)[] | null> {
  const heads: (Checkpoint | null)[] = [];
  const progress = context.progress("partitions", context.chains.size);
  for (const [partition, chain] of context.chains) {
    const checkpoints = new Map<number, Checkpoint>();
    const objects = new Set<string>();
    let highest = 0;
    for (const number of await chain.numbers()) {
      const checkpoint = await chain.read(number);
      for (const key of [checkpoint?.segment?.key, checkpoint?.state.image?.key]) {
        if (key !== undefined && await copy.take([key])) objects.add(key);
      }
      // Also one that is damaged: nobody may use its number once more.
      if (!await copy.take([checkpointKey(partition, number)])) continue;
      highest = number;
      if (checkpoint) checkpoints.set(number, checkpoint);
    }
    if (missingFrom({ partition, highest, checkpoints, objects }, applied) !== null) return null;
    heads.push(checkpoints.get(Math.max(0, ...checkpoints.keys())) ?? null);
    progress.add(1);
  }
  progress.end();
  return heads;
}

/** Where the copied log ends; null when it begins after what the copied checkpoints still have to read. */
async function copiedLog(
  context: BackupContext,
  folder: string,
  heads: readonly (Checkpoint | null)[],
): Promise<number[] | null> {
  await using log = await context.copyLog(folder);
  const ends: number[] = [];
  for (const [partition, head] of heads.entries()) {
    const { begin, end } = await log.bounds("events", partition);
    if (begin > (head?.next_offset ?? 0) || end < (head?.next_offset ?? 0)) return null;
    ends.push(end);
  }
  return ends;
}
