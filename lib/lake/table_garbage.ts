/**
 * Garbage of a table in two passes, with a fence in between (iceberg/garbage.ts has the rule, PROTOCOL.md the reason).
 *
 *   pass 1   list ─► what no snapshot names ─► fence: an empty snapshot, `collected` + 1 ─► what its base names goes off the list
 *            the list is kept in an object, so that a restart does not forget it
 *   grace    counted from the fence's own time, longer than any reader; the age of a file proves nothing
 *   pass 2   look again ─► delete what is still not named ─► forget the list
 */
import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Catalog, LoadedTable, TableName } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import { deadObjects, stillDead } from "../iceberg/garbage.ts";
import { namedObjects } from "../iceberg/named_objects.ts";
import { tablePrefix } from "../iceberg/paths.ts";
import { settledCreate } from "../iceberg/settled_create.ts";
import { currentSnapshot } from "../iceberg/snapshot.ts";
import { COLLECTED, fenceProperties } from "../iceberg/update.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { appliedSummary } from "./applied.ts";
import { tableKey } from "./table_key.ts";

export interface TableGarbageContext {
  catalog: Catalog;
  store: ObjectStore;
  clock: Clock;
  /** Key prefix of the tables. */
  prefix: string;
  /** Longer than any reader of an old list of files. */
  grace_ms: number;
}

export interface CollectOptions {
  /** Also a little, that would not be worth a commit. */
  full?: boolean;
  dry_run?: boolean;
  signal?: AbortSignal;
}

export interface TableCollected {
  /** Objects deleted, in a dry run those that would be. */
  deleted: number;
  /** Objects that were found dead now, and wait for their grace. */
  fenced: number;
  /** Objects whose grace is not over. */
  waiting: number;
}

const Memory = z.object({
  format: z.literal(1),
  table_uuid: z.string(),
  /** The fence's own time, milliseconds since 1970. */
  fenced_at: z.number(),
  /** Keys of the dead. */
  keys: z.array(z.string()),
});
type Memory = z.infer<typeof Memory>;

const MEMORIES = "state/collections/";
/** Old metadata and lists are small, and each fence makes some more: so many of them are worth one. */
const WORTH_OBJECTS = 50;
const DELETED_AT_ONCE = 200;

export async function collectTable(
  context: TableGarbageContext,
  name: TableName,
  options: CollectOptions = {},
): Promise<TableCollected> {
  const done: TableCollected = { deleted: 0, fenced: 0, waiting: 0 };
  const memories = await Array.fromAsync(context.store.list(memoryPrefix(name)));
  for (const { key } of memories) {
    if (options.signal?.aborted) return done;
    await finish(context, name, { key, done, options });
  }
  // One fence at a time: what died meanwhile has no hurry.
  if (done.waiting === 0) done.fenced = await begin(context, name, options);
  return done;
}

/** Pass 1: the number of objects that now wait. */
async function begin(
  context: TableGarbageContext,
  name: TableName,
  options: CollectOptions,
): Promise<number> {
  const { store, catalog, prefix } = context;
  const listed: string[] = [];
  for await (const { key } of store.list(tablePrefix(prefix, name))) listed.push(store.uri(key));
  const table = await catalog.load(name);
  if (!table) return 0;
  const candidates = deadObjects(listed, await namedObjects(store, table), table.version);
  if (candidates.length === 0 || !(options.full || isWorthAFence(candidates))) return 0;
  if (options.dry_run) return candidates.length;
  const { fence, dead } = await commitFence(context, name, candidates, options.signal);
  if (fence && dead.length > 0) await remember(context, fence, dead);
  return dead.length;
}

function isWorthAFence(candidates: readonly string[]): boolean {
  return candidates.length >= WORTH_OBJECTS || candidates.some((address) => address.endsWith(".parquet"));
}

/**
 * Whoever commits after the fence sees `collected` moved and writes its files anew; whoever committed before it is in
 * its base. So nothing that is dead for the fence's base can come alive.
 */
async function commitFence(
  { catalog, store, clock }: TableGarbageContext,
  name: TableName,
  candidates: readonly string[],
  signal?: AbortSignal,
): Promise<{ fence: LoadedTable | null; dead: string[] }> {
  let dead: string[] = [];
  const fence = await commitUpdate({
    catalog,
    store,
    clock,
    name,
    signal,
    plan: async (base) => {
      dead = stillDead(candidates, await namedObjects(store, base));
      const { metadata } = base;
      return {
        operation: "append",
        added: [],
        properties: fenceProperties(metadata),
        summary: appliedSummary(metadata),
      };
    },
  });
  return { fence, dead };
}

async function remember(
  { store, clock }: TableGarbageContext,
  fence: LoadedTable,
  dead: readonly string[],
): Promise<void> {
  const { metadata, name } = fence;
  const memory: Memory = {
    format: 1,
    table_uuid: metadata["table-uuid"],
    // Of the newest snapshot, which is the fence or younger.
    fenced_at: currentSnapshot(metadata)!["timestamp-ms"],
    keys: dead.map((address) => store.keyOf(address)).filter((key) => key !== null),
  };
  const number = metadata.properties[COLLECTED].padStart(20, "0");
  const key = `${memoryPrefix(name)}${number}-${crypto.randomUUID()}.json`;
  const body = new TextEncoder().encode(JSON.stringify(memory));
  await settledCreate(store, key, { body, clock, random: Math.random });
}

/** Pass 2 of one list, when its grace is over. */
async function finish(
  context: TableGarbageContext,
  name: TableName,
  { key, done, options }: { key: string; done: TableCollected; options: CollectOptions },
): Promise<void> {
  const { store, catalog, clock, grace_ms } = context;
  const bytes = await store.read(key);
  if (bytes === null) return;
  const memory = Memory.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const table = await catalog.load(name);
  if (table?.metadata["table-uuid"] === memory.table_uuid) {
    if (clock.now() - memory.fenced_at < grace_ms) {
      done.waiting += memory.keys.length;
      return;
    }
    const addresses = memory.keys.map((one) => store.uri(one));
    const dead = deadObjects(addresses, await namedObjects(store, table), table.version);
    done.deleted += dead.length;
    if (options.dry_run) return;
    for (let at = 0; at < dead.length; at += DELETED_AT_ONCE) {
      options.signal?.throwIfAborted();
      await store.delete(dead.slice(at, at + DELETED_AT_ONCE).map((address) => store.keyOf(address)!));
    }
  }
  if (!options.dry_run) await store.delete([key]);
}

function memoryPrefix(name: TableName): string {
  return `${MEMORIES}${tableKey(name)}/`;
}
