/** How many partitions the store knows of, for commands that run without the log. */
import type { ObjectStore } from "../store/object_store.ts";
import { CHECKPOINTS } from "./paths.ts";

/** One more than the highest partition that anybody ever claimed; 0 for an untouched store. */
export async function partitionsOf(store: ObjectStore): Promise<number> {
  let highest = -1;
  for await (const { key } of store.list(CHECKPOINTS)) {
    const partition = Number(key.slice(CHECKPOINTS.length).split("/")[0]);
    if (Number.isInteger(partition)) highest = Math.max(highest, partition);
  }
  return highest + 1;
}
