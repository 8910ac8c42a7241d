/**
 * The loop in which every change of a table is made: look, decide, write manifests, try; lost: look and decide again.
 *
 *   load base ─► plan(base) ─► manifests, list ─► create v<N+1> ─ created ─► done
 *       ▲             └ null: nothing to do           │
 *       └───────────────────────────── taken ◄────────┘
 *
 * `plan` sees the very metadata that its answer is committed on, at every try: it reads `applied` from there, so that a
 * change which another try or another process has made already is not made twice. Nothing is deleted here: objects of a
 * try that lost are garbage, and the collector's business.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { ObjectStore } from "../store/object_store.ts";
import type { Catalog, LoadedTable, TableName } from "./catalog.ts";
import type { DataFile } from "./data_file.ts";
import { readManifestList, readManifests } from "./live_files.ts";
import { encodeManifest } from "./manifest.ts";
import {
  describeManifest,
  encodeManifestList,
  type ManifestFile,
  type SnapshotPlace,
} from "./manifest_list.ts";
import { liveManifests, type ManifestPlan, manifestsToRead, planManifests } from "./manifest_plan.ts";
import type { Snapshot, TableMetadata } from "./metadata.ts";
import { manifestListPath, manifestPath } from "./paths.ts";
import { backoff, settledCreate } from "./settled_create.ts";
import { currentSnapshot, type Operation, retainedSnapshots, summaryOf } from "./snapshot.ts";
import { COMMIT_ID, commitTime, expireSnapshots, withSnapshot } from "./update.ts";

/** A change that makes a snapshot. Without added and removed files it is an empty one (a fence). */
export interface SnapshotUpdate {
  operation: Operation;
  added: readonly DataFile[];
  /** Addresses of live files that leave the table; a Fault `inputs_gone` when one of them is not live. */
  removed?: readonly string[];
  /** Set in the table's properties in the same step. */
  properties?: Readonly<Record<string, string>>;
  /** Own keys of the snapshot's summary. */
  summary?: Readonly<Record<string, string>>;
  /** Changes the schema in the same step, to the one that the added files have. */
  evolve?: (metadata: TableMetadata) => TableMetadata;
}

/** A change of the metadata alone, made by a function of update.ts. */
export interface MetadataUpdate {
  metadata: TableMetadata;
}

export type TableUpdate = SnapshotUpdate | MetadataUpdate;

export interface CommitOptions {
  catalog: Catalog;
  store: ObjectStore;
  name: TableName;
  plan: (base: LoadedTable) => TableUpdate | null | Promise<TableUpdate | null>;
  signal?: AbortSignal;
  clock?: Clock;
  /** Uniform in [0, 1), for jitter. */
  random?: () => number;
  /** A fresh uuid. */
  newId?: () => string;
  max_tries?: number;
}

const MAX_TRIES = 100;
/** A commit drops the snapshots that time travel does not keep, once there are so many of them. */
const EXPENDABLE_SNAPSHOTS = 100;

type Context = Required<Omit<CommitOptions, "signal">> & Pick<CommitOptions, "signal">;

/** Commits what `plan` wants; the newest table afterwards, or null when there was nothing to do. */
export async function commitUpdate(options: CommitOptions): Promise<LoadedTable | null> {
  const context: Context = {
    clock: systemClock,
    random: Math.random,
    newId: () => crypto.randomUUID(),
    max_tries: MAX_TRIES,
    ...options,
  };
  let base = await loadTable(context);
  for (let attempt = 1;; attempt++) {
    context.signal?.throwIfAborted();
    const update = await context.plan(base);
    if (update === null) return null;
    const writeId = context.newId();
    const isSnapshot = !("metadata" in update);
    const next = isSnapshot ? await writeSnapshot(base, update, { context, writeId }) : update.metadata;
    if (next === base.metadata) return null;
    const committed = await context.catalog.commit(base, next, writeId);
    if (committed) return committed;
    const newest = await loadTable(context);
    if (holds(newest.metadata, isSnapshot ? snapshotId(writeId) : null, writeId)) return newest;
    if (attempt === context.max_tries) throw contended(context.name, attempt);
    await backoff(Math.min(attempt, 6), context);
    base = await loadTable(context);
  }
}

/** A commit that won and was built upon before its author looked again is in the newest metadata all the same. */
function holds(newest: TableMetadata, snapshot_id: number | null, writeId: string): boolean {
  return newest.properties[COMMIT_ID] === writeId ||
    newest.snapshots.some((one) => one["snapshot-id"] === snapshot_id);
}

async function loadTable({ catalog, name }: Context): Promise<LoadedTable> {
  const table = await catalog.load(name);
  if (table) return table;
  throw new Fault("table_missing", `Cannot change table ${name.stage}.${name.name}: there is no such table`, {
    blame: "us",
    retry: "after_refresh",
  });
}

/** Stores manifests and list, and gives the metadata that names them. */
async function writeSnapshot(
  base: LoadedTable,
  update: SnapshotUpdate,
  { context, writeId }: { context: Context; writeId: string },
): Promise<TableMetadata> {
  const metadata = update.evolve?.(base.metadata) ?? base.metadata;
  const parent = currentSnapshot(metadata);
  const place: SnapshotPlace = {
    snapshot_id: snapshotId(writeId),
    parent_snapshot_id: parent?.["snapshot-id"] ?? null,
    sequence_number: metadata["last-sequence-number"] + 1,
  };
  const plan = await planSnapshot(metadata, parent, { context, update, place });
  const manifests = await writeManifests(metadata.location, plan, { context, writeId, place });
  const list = manifestListPath(metadata.location, place.snapshot_id, writeId);
  await put(context, list, encodeManifestList(place, manifests));
  const now = commitTime(metadata, context.clock.now());
  const snapshot: Snapshot = {
    "snapshot-id": place.snapshot_id,
    ...(place.parent_snapshot_id === null ? {} : { "parent-snapshot-id": place.parent_snapshot_id }),
    "sequence-number": place.sequence_number,
    "timestamp-ms": now,
    "manifest-list": list,
    summary: summaryOf(parent, { ...update, removed: plan.removed }, update.summary ?? {}),
    "schema-id": metadata["current-schema-id"],
  };
  return withoutExpendable(withSnapshot(metadata, snapshot, update.properties), now);
}

/** So metadata stays small even where nobody expires. */
function withoutExpendable(metadata: TableMetadata, now: number): TableMetadata {
  const keep = retainedSnapshots(metadata, now);
  return metadata.snapshots.length - keep.size < EXPENDABLE_SNAPSHOTS
    ? metadata
    : expireSnapshots(metadata, keep, now);
}

async function planSnapshot(
  metadata: TableMetadata,
  parent: Snapshot | null,
  { context, update, place }: { context: Context; update: SnapshotUpdate; place: SnapshotPlace },
): Promise<ManifestPlan> {
  const { store } = context;
  const all = parent ? await readManifestList(store, parent["manifest-list"]) : [];
  const live = liveManifests(all);
  const removed = update.removed ?? [];
  const read = await readManifests(store, manifestsToRead(live, removed.length > 0));
  return planManifests(metadata, live, read, {
    added: update.added,
    removed,
    snapshot_id: place.snapshot_id,
  });
}

/** The new list: what was just written first, then what stays. */
async function writeManifests(
  location: string,
  plan: ManifestPlan,
  { context, writeId, place }: { context: Context; writeId: string; place: SnapshotPlace },
): Promise<ManifestFile[]> {
  const written = await Promise.all(plan.write.map(async ({ shape, entries }, index) => {
    const path = manifestPath(location, writeId, index);
    const bytes = encodeManifest(shape, entries);
    await put(context, path, bytes);
    return describeManifest(shape, entries, { path, size_bytes: bytes.length, place });
  }));
  return [...written, ...plan.keep];
}

/** The name holds a fresh uuid: whoever has the key already is ourselves. */
async function put(context: Context, path: string, body: Uint8Array): Promise<void> {
  const key = context.store.keyOf(path);
  if (key === null) throw new RangeError(`Cannot write ${path}: it is not in this store`);
  await settledCreate(context.store, key, { ...context, body });
}

/** Below 2^53, so that JavaScript keeps it, from 52 random bits of a uuid; never 0. */
function snapshotId(uuid: string): number {
  const digits = uuid.replaceAll("-", "");
  return parseInt(digits.slice(-12) + digits[0], 16) + 1;
}

function contended({ stage, name }: TableName, tries: number): Fault {
  return new Fault("commit_contended", `Cannot change table ${stage}.${name}: others won ${tries} times`, {
    blame: "dependency",
    retry: "after_backoff",
  });
}
