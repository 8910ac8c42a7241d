/** What a role has of the store: whether it may be relied on, and the chains of checkpoints that are there. */
import { partitionsOf } from "../lib/checkpoint/partitions.ts";
import type { Clock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { connectChains, openStore, proveStore } from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";

const PAUSE_MS = 1_000;

export interface RoleStore {
  store: ObjectStore;
  /** The bucket is there, and lets one creator win. Rejects when it never will; resolves, too, when the program leaves. */
  proven: Promise<void>;
  /** Resolves once the bucket is seen to be away: a start need not wait for it. */
  away: Promise<void>;
}

/** Opens the store, and looks until it is there. A disk that cannot be used does not come back by itself. */
export async function storeOf(
  settings: Settings,
  { clock, line, building }: { clock: Clock; line: LogLine; building: AsyncDisposableStack },
): Promise<RoleStore> {
  const leaving = new AbortController();
  building.defer(() => leaving.abort());
  const { promise: away, resolve: isAway } = Promise.withResolvers<void>();
  const prove = async () => {
    while (!leaving.signal.aborted) {
      try {
        return await proveStore(settings);
      } catch (error) {
        const comesBack = settings.S3_BUCKET !== null && error instanceof Fault && error.retry !== "never";
        if (!comesBack) throw error;
        line.warn("waiting for the store", { reason: error.message });
        isAway();
        await clock.sleep(PAUSE_MS, leaving.signal).catch(() => undefined);
      }
    }
  };
  const proven = prove();
  await Promise.race([proven, away]);
  return { store: building.use(await openStore(settings)), proven, away };
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
