/** The data files of a snapshot, read through its manifest list; what never changes is read once. */
import { Fault } from "../errors.ts";
import type { ObjectStore } from "../store/object_store.ts";
import type { DataFile } from "./data_file.ts";
import { type DecodedManifest, decodeManifest } from "./manifest.ts";
import { decodeManifestList, type ManifestFile } from "./manifest_list.ts";
import { liveEntries, liveManifests, type ReadManifest } from "./manifest_plan.ts";
import type { TableMetadata } from "./metadata.ts";
import { currentSnapshot, findSnapshot } from "./snapshot.ts";

export interface LiveFile extends DataFile {
  /** Of the commit that added the file: higher is younger. */
  sequence_number: number;
  added_snapshot_id: number;
}

/** Entries (of lists and manifests together) that are kept in memory for one store. */
const CACHED_ENTRIES = 200_000;
const READS_AT_ONCE = 16;

/** Live files of the snapshot, of the current one by default; none for a table without snapshots. */
export async function readFiles(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshotId?: number,
): Promise<LiveFile[]> {
  const snapshot = snapshotId === undefined
    ? currentSnapshot(metadata)
    : findSnapshot(metadata, { snapshot: snapshotId });
  if (!snapshot && snapshotId === undefined) return [];
  if (!snapshot) throw gone(`snapshot ${snapshotId}`);
  const manifests = await readManifestList(store, snapshot["manifest-list"]);
  const read = await readManifests(store, liveManifests(manifests));
  return read.flatMap((one) =>
    liveEntries(one).map(({ file, snapshot_id, sequence_number }): LiveFile => ({
      ...file,
      sequence_number: sequence_number ?? one.manifest.sequence_number,
      added_snapshot_id: snapshot_id,
    }))
  );
}

export function readManifestList(store: ObjectStore, path: string): Promise<ManifestFile[]> {
  return cached(store, path, decodeManifestList, (list) => list.length, listCaches);
}

export async function readManifests(
  store: ObjectStore,
  manifests: readonly ManifestFile[],
): Promise<ReadManifest[]> {
  const read: ReadManifest[] = [];
  for (let start = 0; start < manifests.length; start += READS_AT_ONCE) {
    const some = manifests.slice(start, start + READS_AT_ONCE);
    read.push(
      ...await Promise.all(some.map(async (manifest) => ({
        manifest,
        decoded: await cached(
          store,
          manifest.path,
          decodeManifest,
          (one) => one.entries.length,
          manifestCaches,
        ),
      }))),
    );
  }
  return read;
}

/** Keeps decoded objects by path, the least recently used go first. */
class Cache<T> {
  readonly #kept = new Map<string, { value: T; weight: number }>();
  #weight = 0;

  get(path: string): T | undefined {
    const found = this.#kept.get(path);
    if (!found) return undefined;
    this.#kept.delete(path);
    this.#kept.set(path, found);
    return found.value;
  }

  set(path: string, value: T, weight: number): void {
    this.#weight += weight - (this.#kept.get(path)?.weight ?? 0);
    this.#kept.set(path, { value, weight });
    for (const [oldest, { weight: freed }] of this.#kept) {
      if (this.#weight <= CACHED_ENTRIES || oldest === path) break;
      this.#kept.delete(oldest);
      this.#weight -= freed;
    }
  }
}

/** Caches live and die with their store. Names hold uuids, so that what they name never changes. */
const listCaches = new WeakMap<ObjectStore, Cache<ManifestFile[]>>();
const manifestCaches = new WeakMap<ObjectStore, Cache<DecodedManifest>>();

async function cached<T>(
  store: ObjectStore,
  path: string,
  decode: (bytes: Uint8Array) => T,
  weigh: (value: T) => number,
  caches: WeakMap<ObjectStore, Cache<T>>,
): Promise<T> {
  const cache = caches.get(store) ?? new Cache<T>();
  caches.set(store, cache);
  const known = cache.get(path);
  if (known !== undefined) return known;
  const key = store.keyOf(path);
  const bytes = key === null ? null : await store.read(key);
  if (bytes === null) throw gone(path);
  const value = decode(bytes);
  cache.set(path, value, weigh(value) + 1);
  return value;
}

function gone(what: string): Fault {
  return new Fault("snapshot_gone", `Cannot read ${what}: it is no longer there`, {
    blame: "dependency",
    retry: "after_refresh",
  });
}
