/** The data files of a snapshot, read through its manifest list; what never changes is read once. */
import { Fault } from "../errors.ts";
import { RecentValues } from "../recent_values.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { decodedFrom } from "./damaged.ts";
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

/** Memory for lists, and for manifests, of one store. Each commit makes one of each, and few earlier ones are read again. */
const LISTS_BYTES = 4 * 1024 * 1024;
const MANIFESTS_BYTES = 24 * 1024 * 1024;
/** What decoded objects take in memory, about: many times what they take in the store, where they are packed. */
const LISTED_BYTES = 700;
const SCHEMA_BYTES = 8 * 1024;
const FILE_BYTES = 600;
const COLUMN_BYTES = 160;
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
  return lists.read(store, path);
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
        decoded: await decodedManifests.read(store, manifest.path),
      }))),
    );
  }
  return read;
}

interface ObjectKind<T> {
  decode(bytes: Uint8Array): T;
  /** In memory, about. */
  size_bytes(value: T): number;
  /** What all that is kept of one store may take. */
  max_bytes: number;
}

/**
 * Decoded objects by path. Names hold uuids, so that what they name never changes; what is kept of a store lives and dies
 * with it.
 */
class DecodedObjects<T> {
  readonly #recent = new WeakMap<ObjectStore, RecentValues<string, T>>();

  constructor(readonly kind: ObjectKind<T>) {}

  async read(store: ObjectStore, path: string): Promise<T> {
    const recent = this.#recentOf(store);
    const known = recent.get(path);
    if (known !== undefined) return known;
    const key = store.keyOf(path);
    if (key === null) throw gone(path, MOVED);
    const bytes = await store.read(key);
    if (bytes === null) throw gone(path);
    const value = decodedFrom(path, () => this.kind.decode(bytes));
    recent.put(path, value, this.kind.size_bytes(value));
    return value;
  }

  #recentOf(store: ObjectStore): RecentValues<string, T> {
    let recent = this.#recent.get(store);
    if (!recent) this.#recent.set(store, recent = new RecentValues(this.kind.max_bytes));
    return recent;
  }
}

const lists = new DecodedObjects<ManifestFile[]>({
  decode: decodeManifestList,
  size_bytes: (list) => list.length * LISTED_BYTES,
  max_bytes: LISTS_BYTES,
});

const decodedManifests = new DecodedObjects<DecodedManifest>({
  decode: decodeManifest,
  size_bytes: ({ entries }) =>
    entries.reduce(
      (sum, { file }) => sum + FILE_BYTES + file.column_stats.length * COLUMN_BYTES,
      SCHEMA_BYTES,
    ),
  max_bytes: MANIFESTS_BYTES,
});

const MOVED = "it is outside the lake. After a move, main.ts relocate rewrites the addresses";

function gone(what: string, why = "it is no longer there"): Fault {
  return new Fault("snapshot_gone", `Cannot read ${what}: ${why}`, {
    blame: "dependency",
    retry: "after_refresh",
  });
}
