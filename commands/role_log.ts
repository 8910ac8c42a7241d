/** What a role has of the log: its topics made, the log opened, compared with the store, and seeded. */
import type { Clock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import type { Configuration } from "../lib/configuration.ts";
import { connectChains, connectDoorLog, connectLog, prepareLog } from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import type { EventLog } from "../lib/log/log.ts";
import { spillAgeSeconds, spillStateOf } from "../lib/log/spill_state.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { Metrics } from "../lib/observe/metrics.ts";
import { seedPartitions } from "../lib/partition/control_record.ts";
import { refuseStrangeLog } from "../lib/partition/own_log.ts";
import type { Role } from "./serve.ts";

const KEEPER_URL = new URL("../workers/log_keeper.ts", import.meta.url);

export interface RoleLogParts {
  settings: Settings;
  clock: Clock;
  line: LogLine;
  metrics: Metrics;
  building: AsyncDisposableStack;
}

/** A role that answers queries needs the store alone. */
export const NO_LOG: Pick<EventLog, "append"> = {
  append: () =>
    Promise.reject(
      new Fault("no_log", "Cannot append: this role has no log", { blame: "us", retry: "never" }),
    ),
};

/** Null for the role query, which has none. Partitions are those of the topic of events. */
export async function logOf(
  role: Role,
  { settings, clock, line, metrics, building }: RoleLogParts,
): Promise<{ log: EventLog | null; partitions: number }> {
  if (role.has_door) await prepared(settings, { clock, line });
  if (role.name === "query") return { log: null, partitions: 0 };
  if (!role.has_door) {
    const log = building.use(await connectLog(settings));
    return { log, partitions: await partitionsOfLog(log, settings) };
  }
  const warn = (message: string) => line.warn(message);
  const log = building.use(await connectDoorLog(settings, { keeper_url: KEEPER_URL, warn }));
  tellSpill(log, metrics, clock);
  return { log, partitions: await partitionsOfLog(log, settings) };
}

/** How long the door waits for the brokers before it opens without them. */
const PREPARE_WAIT_MS = 3_000;
const PREPARE_PAUSE_MS = 5_000;

/** Makes missing topics, and goes on trying behind an open door while the brokers are away. A wrong topic is fatal. */
async function prepared(settings: Settings, { clock, line }: { clock: Clock; line: LogLine }): Promise<void> {
  const preparing = (async () => {
    for (;;) {
      try {
        return await prepareLog(settings);
      } catch (error) {
        if (!(error instanceof Fault) || error.retry === "never") throw error;
        line.warn("the topics cannot be looked at yet", { reason: error.message });
        await clock.sleep(PREPARE_PAUSE_MS);
      }
    }
  })();
  // Heard here while we wait, and by the log's own checks when it comes later.
  preparing.catch((error) => line.error("the topics are refused", { error }));
  await Promise.race([preparing, clock.sleep(PREPARE_WAIT_MS)]);
}

function tellSpill(log: EventLog, metrics: Metrics, clock: Clock): void {
  metrics.beforeReading(() => {
    const state = spillStateOf(log);
    metrics.gauge("spill_records", {}).set(state.records);
    metrics.gauge("spill_bytes", {}).set(state.bytes);
    metrics.gauge("spill_oldest_seconds", {}).set(spillAgeSeconds(state, clock.now()));
  });
}

/** The door starts while the broker is away: it then believes the setting, which topics are made with. */
async function partitionsOfLog(log: EventLog, settings: Settings): Promise<number> {
  try {
    return (await log.identity("events")).partitions;
  } catch (error) {
    if (error instanceof Fault && error.retry !== "never") return settings.PARTITIONS;
    throw error;
  }
}

/** Where the store is away again, who owns a partition finds out. */
export async function checkLog(
  log: EventLog,
  chains: ReturnType<typeof connectChains>,
  line: LogLine,
): Promise<void> {
  await unlessAway(
    () => refuseStrangeLog(log, chains),
    (reason) => line.warn("the log cannot be compared with the store yet", { reason }),
  );
}

/** Where the broker is away, process roles do it when it is back. */
export async function seed(
  log: EventLog,
  partitions: number,
  { configuration, clock, line }: { configuration: Configuration; clock: Clock; line: LogLine },
): Promise<void> {
  await unlessAway(
    () => seedPartitions(log, partitions, { seeds: configuration, now: clock.now() }),
    (reason) => line.warn("the log is away; starting all the same", { reason }),
  );
}

/** What is away is told, and stops no start. */
async function unlessAway(act: () => Promise<unknown>, tell: (reason: string) => void): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Fault) || error.retry === "never") throw error;
    tell(error.message);
  }
}
