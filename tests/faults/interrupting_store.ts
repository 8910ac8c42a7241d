/** A store during one of whose calls somebody else does something: races are enumerated, not hoped for. */
import type { ObjectStore } from "../../lib/store/object_store.ts";

/**
 * Runs `meanwhile` to its end before call `at` (numbered from 1) goes on; `calls()` says how many there were. Only whoever
 * holds this store is interrupted: `meanwhile` uses another.
 */
export function interruptingStore(
  store: ObjectStore,
  at: number,
  meanwhile: () => Promise<void>,
): { store: ObjectStore; calls: () => number } {
  let calls = 0;
  const call = async <T>(effect: () => Promise<T>): Promise<T> => {
    if (++calls === at) await meanwhile();
    return await effect();
  };
  return {
    calls: () => calls,
    store: {
      uri: (key) => store.uri(key),
      keyOf: (uri) => store.keyOf(uri),
      localPath: (key) => store.localPath(key),
      create: (key, body, signal) => call(() => store.create(key, body, signal)),
      createFromFile: (key, path, signal) => call(() => store.createFromFile(key, path, signal)),
      read: (key, range, signal) => call(() => store.read(key, range, signal)),
      readToFile: (key, path, signal) => call(() => store.readToFile(key, path, signal)),
      head: (key) => call(() => store.head(key)),
      async *list(prefix, after) {
        yield* await call(() => Array.fromAsync(store.list(prefix, after)));
      },
      delete: (keys) => call(() => store.delete(keys)),
      putHint: (key, body) => call(() => store.putHint(key, body)),
      presign: (key, ttl_seconds) => call(() => store.presign(key, ttl_seconds)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
  };
}
