/** Reads which objects a table names: lists, manifests and data files of every snapshot it still has. */
import type { ObjectStore } from "../store/object_store.ts";
import type { LoadedTable } from "./catalog.ts";
import { liveObjects } from "./garbage.ts";
import { readManifestList, readManifests } from "./live_files.ts";
import { liveEntries, liveManifests } from "./manifest_plan.ts";
import type { ManifestFile } from "./manifest_list.ts";

/** The addresses that must stay as long as `table` is the newest, its data files among them. */
export async function namedObjects(store: ObjectStore, table: LoadedTable): Promise<Set<string>> {
  const { metadata, metadata_location } = table;
  const lists = metadata.snapshots.map((snapshot) => snapshot["manifest-list"]);
  const manifests = new Map<string, ManifestFile>();
  for (const list of lists) {
    for (const manifest of await readManifestList(store, list)) manifests.set(manifest.path, manifest);
  }
  // A manifest with deleted entries only is still named, but holds no file that anybody may read.
  const read = await readManifests(store, liveManifests([...manifests.values()]));
  return liveObjects({
    metadata,
    metadata_location,
    manifest_lists: lists,
    manifests: manifests.keys(),
    data_files: read.flatMap((one) => liveEntries(one).map((entry) => entry.file.path)),
  });
}
