/**
 * A table whose folder was moved: its metadata, lists and manifests name absolute addresses, so all of them are written
 * anew; the data files stay as they are.
 *
 *   v7 ─► lists ─► manifests ─► data files      every address begins with the old location
 *   v8 ─► lists'─► manifests'─► the same files  by their addresses at the new one; snapshots, ids and times are the same
 */
import { type Clock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { ObjectStore } from "../store/object_store.ts";
import type { LoadedTable } from "./catalog.ts";
import { readManifestList, readManifests } from "./live_files.ts";
import { encodeManifest } from "./manifest.ts";
import { encodeManifestList, type ManifestFile } from "./manifest_list.ts";
import type { Snapshot, TableMetadata } from "./metadata.ts";
import { manifestListPath, manifestPath } from "./paths.ts";
import { settledCreate } from "./settled_create.ts";

export interface RelocateContext {
  store: ObjectStore;
  clock: Clock;
  newId: () => string;
}

export interface Relocated {
  metadata: TableMetadata;
  manifests: number;
}

/** Stores new manifests and lists, and gives the metadata that names them; not committed yet. */
export async function relocate(
  context: RelocateContext,
  { metadata }: LoadedTable,
  location: string,
): Promise<Relocated> {
  const move = mover(metadata.location, location);
  const uuid = context.newId();
  const manifests = new Map<string, ManifestFile>();
  const snapshots: Snapshot[] = [];
  for (const snapshot of metadata.snapshots) {
    const list = await readManifestList(context.store, move(snapshot["manifest-list"]));
    for (const manifest of list.filter(({ path }) => !manifests.has(path))) {
      const path = manifestPath(location, uuid, manifests.size);
      manifests.set(manifest.path, await moveManifest(context, manifest, { move, path }));
    }
    const path = manifestListPath(location, snapshot["snapshot-id"], uuid);
    const place = {
      snapshot_id: snapshot["snapshot-id"],
      parent_snapshot_id: snapshot["parent-snapshot-id"] ?? null,
      sequence_number: snapshot["sequence-number"],
    };
    await put(context, path, encodeManifestList(place, list.map((one) => manifests.get(one.path)!)));
    snapshots.push({ ...snapshot, "manifest-list": path });
  }
  const log = metadata["metadata-log"].map((entry) => ({
    ...entry,
    "metadata-file": move(entry["metadata-file"]),
  }));
  return { metadata: { ...metadata, location, snapshots, "metadata-log": log }, manifests: manifests.size };
}

async function moveManifest(
  context: RelocateContext,
  manifest: ManifestFile,
  { move, path }: { move: (address: string) => string; path: string },
): Promise<ManifestFile> {
  const [{ decoded }] = await readManifests(context.store, [{ ...manifest, path: move(manifest.path) }]);
  const entries = decoded.entries.map((entry) => ({
    ...entry,
    file: { ...entry.file, path: move(entry.file.path) },
  }));
  const bytes = encodeManifest(decoded, entries);
  await put(context, path, bytes);
  return { ...manifest, path, size_bytes: bytes.length };
}

function mover(from: string, to: string): (address: string) => string {
  return (address) => {
    if (address.startsWith(`${from}/`)) return to + address.slice(from.length);
    throw new Fault("address_outside", `Cannot move ${address}: it does not lie below ${from}`, {
      blame: "dependency",
      retry: "never",
    });
  };
}

async function put(context: RelocateContext, path: string, body: Uint8Array): Promise<void> {
  const key = context.store.keyOf(path);
  if (key === null) throw new RangeError(`Cannot write ${path}: it is not in this store`);
  await settledCreate(context.store, key, { clock: context.clock, random: Math.random, body });
}
