/** A conditional create whose lost answers are asked for again, with the same bytes, until somebody has the key. */
import type { Clock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { Created, ObjectStore } from "../store/object_store.ts";

const TRIES = 30;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 2000;

export interface Pausing {
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  signal?: AbortSignal;
}

/** Waits before try `attempt` + 1: exponential, with full jitter, so that racers do not meet again. */
export function backoff(attempt: number, { clock, random, signal }: Pausing): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10), LONGEST_PAUSE_MS);
  return clock.sleep(random() * longest, signal);
}

/**
 * "taken" does not say by whom: after a lost answer it may be ourselves. Callers of a shared key compare what is there;
 * callers of a key that nobody else can know need not.
 */
export async function settledCreate(
  store: ObjectStore,
  key: string,
  options: Pausing & { body: Uint8Array },
): Promise<Exclude<Created, "unknown">> {
  for (let attempt = 1;; attempt++) {
    const { outcome, cause } = await tryCreate(store, key, options);
    if (outcome !== "unknown") return outcome;
    if (attempt === TRIES) {
      throw new Fault("create_unknown", `Cannot create ${key}: the store does not answer`, {
        blame: "dependency",
        retry: "after_backoff",
        cause,
      });
    }
    await backoff(attempt, options);
  }
}

/** A failure that may pass leaves open whether the object was created: the same as a lost answer. */
async function tryCreate(
  store: ObjectStore,
  key: string,
  { body, signal }: Pausing & { body: Uint8Array },
): Promise<{ outcome: Created; cause?: unknown }> {
  try {
    return { outcome: await store.create(key, body, signal) };
  } catch (error) {
    if (!(error instanceof Fault) || error.retry !== "after_backoff") throw error;
    return { outcome: "unknown", cause: error };
  }
}
