/** A store whose calls fail as a plan says: before their effect, after it, or because the process ends there. */
import type { ByteRange, Created, ObjectEntry, ObjectStore } from "../../lib/store/object_store.ts";
import { Crash, type FaultPlan, underPlan } from "./fault_plan.ts";

export interface FaultyStoreOptions {
  /**
   * What a create answers that failed before its effect: "fault" (nothing was sent, and we know it) or "unknown" (it
   * was sent and got lost). After its effect it is always "unknown".
   */
  create_before?: "fault" | "unknown";
}

/**
 * Every call that waits counts as one of the plan. A crash is thrown as `Crash`, and then by all later calls; the store
 * underneath stays as it is, for the process that comes next, and is not disposed with this one.
 */
export function faultyStore(
  store: ObjectStore,
  plan: FaultPlan,
  options: FaultyStoreOptions = {},
): ObjectStore {
  const created = (name: string, effect: () => Promise<Created>) => create(plan, name, effect, options);
  return {
    uri: (key) => store.uri(key),
    keyOf: (uri) => store.keyOf(uri),
    localPath: (key) => store.localPath(key),
    create: (key, body, signal) => created(`create ${key}`, () => store.create(key, body, signal)),
    createFromFile: (key, path, signal) =>
      created(`createFromFile ${key}`, () => store.createFromFile(key, path, signal)),
    read: (key: string, range?: ByteRange, signal?: AbortSignal) =>
      underPlan(plan, `read ${key}`, () => store.read(key, range, signal)),
    readToFile: (key, path, signal) =>
      underPlan(plan, `readToFile ${key}`, () => store.readToFile(key, path, signal)),
    head: (key) => underPlan(plan, `head ${key}`, () => store.head(key)),
    list: (prefix, after) => list(store, plan, { prefix, after }),
    delete: (keys) => underPlan(plan, `delete ${keys.join(" ")}`, () => store.delete(keys)),
    putHint: (key, body) => underPlan(plan, `putHint ${key}`, () => store.putHint(key, body)),
    presign: (key, ttl_seconds) => underPlan(plan, `presign ${key}`, () => store.presign(key, ttl_seconds)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function create(
  plan: FaultPlan,
  name: string,
  effect: () => Promise<Created>,
  options: FaultyStoreOptions,
): Promise<Created> {
  let reached = false;
  try {
    return await underPlan(plan, name, () => {
      reached = true;
      return effect();
    });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof Crash || !isInjected(error)) throw error;
    if (reached || options.create_before === "unknown") return "unknown";
    throw error;
  }
}

/** A listing counts once, when it begins; failing after its effect means that it breaks off at its end. */
async function* list(
  store: ObjectStore,
  plan: FaultPlan,
  { prefix, after }: { prefix: string; after?: string },
): AsyncGenerator<ObjectEntry> {
  const entries = await underPlan(plan, `list ${prefix}`, () => Array.fromAsync(store.list(prefix, after)));
  yield* entries;
}

function isInjected(error: Error): boolean {
  return "code" in error && error.code === "injected";
}
