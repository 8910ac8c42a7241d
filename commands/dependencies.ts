/** What a role depends on, and how each of it does: what `/readyz` and `/health` tell. */
import type { Clock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { Fault } from "../lib/errors.ts";
import type { EventLog } from "../lib/log/log.ts";
import { spillStateOf } from "../lib/log/spill_state.ts";
import type { Condition, Dependency, Finding } from "../lib/observe/health.ts";
import type { LastTrouble } from "../lib/observe/last_trouble.ts";
import { checkRemote } from "../lib/query/remote_query.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import type { Supervisor } from "../workers/supervisor.ts";
import type { Role } from "./serve.ts";

export interface DependencyParts {
  settings: Settings;
  log: EventLog | null;
  store: Pick<ObjectStore, "head">;
  supervisor: Pick<Supervisor, "troubles">;
  /** Of the door's appends: a log that can be read may not take any more (a disk that is full or failing). */
  appends: Pick<LastTrouble, "cause">;
  clock: Clock;
}

export function dependenciesOf(
  role: Pick<Role, "has_door" | "workers">,
  parts: DependencyParts,
): Dependency[] {
  const { settings, log, store, supervisor } = parts;
  const all: Dependency[] = [{
    name: "store",
    // A door takes events while the bucket is away: a balancer must not turn senders from it. A disk is the log's, too.
    required: !role.has_door || settings.S3_BUCKET === null,
    check: () => store.head("checkpoints/ready").then(() => "ok" as const),
  }];
  if (log) {
    all.push({ name: "log", required: true, check: () => logCondition(log, role.has_door, parts) });
  }
  const { QUERY_URL: url, API_TOKEN: token } = settings;
  if (role.has_door && url !== null) {
    const check = (signal: AbortSignal) => checkRemote({ url, token }, signal).then(() => "ok" as const);
    all.push({ name: "query", required: false, check });
  }
  if (Object.keys(role.workers(settings)).length > 0) {
    all.push({
      name: "workers",
      required: false,
      check: () => {
        const detail = supervisor.troubles().join("; ");
        return Promise.resolve(detail === "" ? "ok" as const : { condition: "degraded" as const, detail });
      },
    });
  }
  return all;
}

/** Shorter than a report waits for anything, so that there is time to look at the spill. */
const BROKER_MS = 1_000;

/** While the brokers are away a door goes on as long as its spill has room. */
async function logCondition(
  log: EventLog,
  has_door: boolean,
  { settings, appends, clock }: DependencyParts,
): Promise<Condition | Finding> {
  const over = new AbortController();
  const late = clock.sleep(BROKER_MS, over.signal).then(() => {
    throw new Fault("log_silent", "does not answer", { blame: "dependency", retry: "after_backoff" });
  });
  try {
    await Promise.race([log.bounds("events", 0), late]);
    return appends.cause === null ? "ok" : { condition: "degraded", detail: appends.cause };
  } catch (error) {
    const { KAFKA_BROKERS, SPILL_MAX_BYTES } = settings;
    const hasRoom = has_door && KAFKA_BROKERS !== null && spillStateOf(log).bytes < SPILL_MAX_BYTES;
    if (!hasRoom || !(error instanceof Fault)) throw error;
    return { condition: "degraded", detail: error.message };
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}
