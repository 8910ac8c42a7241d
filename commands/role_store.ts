/** What a role has of the store: the bucket as it may begin with it, and the chains of checkpoints that are there. */
import { partitionsOf } from "../lib/checkpoint/partitions.ts";
import type { Settings } from "../lib/config.ts";
import { connectChains, connectStore, openStore, probeStore } from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import type { Role } from "./serve.ts";

/**
 * A bucket that is there and lets one creator win. What only has a door commits nothing: where the bucket is away it takes
 * events all the same.
 */
export async function storeOf(role: Role, settings: Settings, line: LogLine): Promise<ObjectStore> {
  try {
    await using store = await connectStore(settings);
    await probeStore(store);
  } catch (error) {
    const canWait = role.has_door && Object.keys(role.workers(settings)).length === 0;
    if (!canWait || !(error instanceof Fault) || error.code !== "store_unavailable") throw error;
    line.warn("the store is away; starting all the same", { reason: error.message });
  }
  return await openStore(settings);
}

/** For a role without a log, which may be there before the first partition is claimed. */
export function chainsThatAre(store: ObjectStore): () => Promise<ReturnType<typeof connectChains>> {
  let known = connectChains(store, 0);
  return async () => {
    const partitions = await partitionsOf(store);
    if (partitions !== known.size) known = connectChains(store, partitions);
    return known;
  };
}
