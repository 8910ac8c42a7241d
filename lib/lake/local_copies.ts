/** Data files as paths that an engine can read: the store's own where it has them, else copies in a folder. */
import { Fault } from "../errors.ts";
import type { ObjectStore } from "../store/object_store.ts";

export async function localCopies(
  store: ObjectStore,
  files: readonly { path: string }[],
  folder: string,
): Promise<string[]> {
  return await Promise.all(files.map(async ({ path }, i) => {
    const key = store.keyOf(path);
    const local = key === null ? null : store.localPath(key);
    if (local !== null) return local;
    const copy = `${folder}/in-${i}.parquet`;
    if (key !== null && await store.readToFile(key, copy)) return copy;
    throw new Fault("file_gone", `Cannot read ${path}: it is gone`, {
      blame: "dependency",
      retry: "after_refresh",
    });
  }));
}
