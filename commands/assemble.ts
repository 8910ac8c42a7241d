/** What a role is made of: adapters from settings, joined into what the routes need. */
import type { Clock } from "../lib/clock.ts";
import { type Configuration, loadConfiguration } from "../lib/configuration.ts";
import { type ConfigurationWatch, watchConfiguration, type WatchParts } from "../lib/configuration_watch.ts";
import type { Settings } from "../lib/config.ts";
import {
  clientConfig,
  connectCatalog,
  connectChains,
  connectDoorLog,
  connectEngine,
  connectFiles,
  connectLog,
  lakePrefix,
  prepareLog,
  storeOrigin,
} from "../lib/connect.ts";
import { Fault } from "../lib/errors.ts";
import type { Catalog } from "../lib/iceberg/catalog.ts";
import { restCatalog } from "../lib/iceberg/rest_answers.ts";
import { AlertTail } from "../lib/live/alert_tail.ts";
import { LiveHub } from "../lib/live/hub.ts";
import { Questions } from "../lib/lake/questions.ts";
import { checkTables } from "../lib/lake/ensure_tables.ts";
import { addedIn } from "../lib/lake/evolution.ts";
import { readStatus } from "../lib/lake/status.ts";
import { lakeTables } from "../lib/lake/tables.ts";
import { type LakeView, lakeViews } from "../lib/lake/views.ts";
import type { EventLog } from "../lib/log/log.ts";
import { spillAgeSeconds, spillStateOf } from "../lib/log/spill_state.ts";
import { Health } from "../lib/observe/health.ts";
import { LastTrouble } from "../lib/observe/last_trouble.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { Metrics } from "../lib/observe/metrics.ts";
import type { Scrub } from "../lib/observe/scrub.ts";
import { seedPartitions } from "../lib/partition/control_record.ts";
import { refuseStrangeLog } from "../lib/partition/own_log.ts";
import { askRemote } from "../lib/query/remote_query.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import type { AppDeps } from "../routes/app.ts";
import type { LakeQuery } from "../routes/query.ts";
import { pageResponse } from "../static/assets.ts";
import type { Supervisor } from "../workers/supervisor.ts";
import { addedInLake, asFarAsKnown } from "./added_columns.ts";
import { dependenciesOf } from "./dependencies.ts";
import { fullStatus } from "./full_status.ts";
import { chainsThatAre, storeOf } from "./role_store.ts";
import { rulesService } from "./rules_service.ts";
import type { Role } from "./serve.ts";
import { secretFaults, settingsFault, shortTokens, unknownSenders } from "./start_faults.ts";

export interface AssembleContext {
  settings: Settings;
  clock: Clock;
  line: LogLine;
  metrics: Metrics;
  scrub: Scrub;
  supervisor: Supervisor;
}

export interface Assembled extends AsyncDisposable {
  deps: AppDeps;
  /** Resolves when the store may be relied on, and belongs to the log; rejects when it never will. */
  proven: Promise<void>;
  /** Ends what would keep connections open for ever, before the server stops. */
  hangUp(): void;
}

const STAGES = ["raw", "processed", "analytics"];
const KEEPER_URL = new URL("../workers/log_keeper.ts", import.meta.url);
const QUERY_SCRIPT = new URL("../workers/query.ts", import.meta.url);

export async function assemble(role: Role, context: AssembleContext): Promise<Assembled> {
  const { settings, clock, line, metrics, scrub, supervisor } = context;
  await using building = new AsyncDisposableStack();
  const configuration = await loadConfiguration(settings, { added: asFarAsKnown(addedInLake(settings)) });
  if (role.has_door) checkSecrets(configuration, { settings, line });
  const { store, away, ...found } = await storeOf(settings, { clock, line, building });
  const catalog = connectCatalog(settings, store);
  const load = (last: Configuration) => loadConfiguration(settings, { added: addedIn(catalog), last });
  const follows = role.has_door || role.has_engine;
  // What the workers will refuse is not in force here either.
  const beforeTaking = ({ kinds, windows }: Configuration) =>
    checkTables({ catalog, specs: lakeTables(kinds, windows) });
  const watch = follows ? watched(configuration, { load, beforeTaking, clock, line, building }) : null;
  const current = () => watch?.current ?? configuration;
  if (role.has_door) await prepared(settings, { clock, line });
  const log = await logOf(role, settings, line);
  if (log) building.use(log);
  if (log && role.has_door) tellSpill(log, metrics, clock);
  const partitions = log ? await partitionsOfLog(log, settings) : 0;
  const chains = connectChains(store, partitions);
  const chainsNow = log ? () => Promise.resolve(chains) : chainsThatAre(store);
  // A topic is not ours alone: what it takes is there, whoever made it.
  const own = settings.KAFKA_BROKERS === null ? log : null;
  const proven = found.proven.then(() => own ? checkLog(own, chains, line) : undefined);
  await Promise.race([proven, away]);
  if (log && role.has_door) await seed(log, partitions, { configuration, clock, line });
  const views = () => lakeViews(current().kinds, current().windows);
  const query = await queryOf(role, { settings, catalog, store, views, clock, line, building });
  const appends = new LastTrouble(clock);
  const health = new Health(
    dependenciesOf(role, { settings, log, store, supervisor, appends, clock }),
    clock,
  );
  const status = async () =>
    await readStatus({ log, spill: () => spillStateOf(log), catalog, chains: await chainsNow(), clock });
  const rules = rulesService({ settings, configuration, catalog, query, clock });
  const live = role.shows && log
    ? new LiveHub({
      clock,
      metrics,
      health,
      status,
      alerts: new AlertTail(log),
      problems: () => watch?.refused ? [watch.refused] : [],
      scrub,
    })
    : undefined;
  if (live) building.adopt(runLive(live), (stop) => stop());
  const deps: AppDeps = {
    role: role.name,
    has_door: role.has_door,
    clock,
    settings,
    log: log ?? NO_LOG,
    appends,
    partitions,
    sources: () => current().sources,
    kinds: () => configuration.kinds,
    metrics,
    lines: line,
    scrub,
    health,
    status: fullStatus({ status, has_log: log !== null, health, rate: () => live?.events_per_second ?? 0 }),
    query,
    catalog,
    live,
    ...(role.shows ? { rules, windows: () => current().windows } : {}),
    ...(role.shows ? await shown({ settings, catalog, store, views }) : {}),
  };
  const stack = building.move();
  return { deps, proven, hangUp: () => live?.close(), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Follows the files. Sources and windows are taken from them here, for the door and the views; process takes the rest. */
function watched(
  first: Configuration,
  { building, ...parts }: Pick<WatchParts, "load" | "beforeTaking" | "clock" | "line"> & {
    building: AsyncDisposableStack;
  },
): ConfigurationWatch {
  const abort = new AbortController();
  const watch = watchConfiguration(first, { ...parts, tells: true, signal: abort.signal });
  building.defer(() => {
    abort.abort();
    return watch.ended;
  });
  return watch;
}

/** A secret that can never verify anything stops the start; one that belongs to nobody or is soon guessed is only told. */
function checkSecrets(
  { sources }: Configuration,
  { settings, line }: Pick<AssembleContext, "settings" | "line">,
): void {
  const faults = secretFaults(settings, sources);
  if (faults.length > 0) throw settingsFault(faults);
  for (const name of unknownSenders(settings, sources)) {
    line.warn("a secret belongs to no sender", {
      name,
      senders: sources.signing.map((one) => one.name).join(", "),
    });
  }
  for (const name of shortTokens(settings)) line.warn("a token is short, and soon guessed", { name });
}

/** Tells the live numbers until the returned function is called. */
function runLive(live: LiveHub): () => Promise<void> {
  const abort = new AbortController();
  const ended = live.run(abort.signal);
  return () => {
    abort.abort();
    return ended;
  };
}

/** A role that answers queries needs the store alone. */
const NO_LOG: Pick<EventLog, "append"> = {
  append: () =>
    Promise.reject(
      new Fault("no_log", "Cannot append: this role has no log", { blame: "us", retry: "never" }),
    ),
};

async function logOf(role: Role, settings: Settings, line: LogLine): Promise<EventLog | null> {
  if (role.name === "query") return null;
  if (!role.has_door) return await connectLog(settings);
  return await connectDoorLog(settings, { keeper_url: KEEPER_URL, warn: (message) => line.warn(message) });
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
async function checkLog(
  log: EventLog,
  chains: ReturnType<typeof connectChains>,
  line: LogLine,
): Promise<void> {
  try {
    await refuseStrangeLog(log, chains);
  } catch (error) {
    if (!(error instanceof Fault) || error.retry === "never") throw error;
    line.warn("the log cannot be compared with the store yet", { reason: error.message });
  }
}

/** Where the broker is away, process roles do it when it is back. */
async function seed(
  log: EventLog,
  partitions: number,
  { configuration, clock, line }: { configuration: Configuration; clock: Clock; line: LogLine },
): Promise<void> {
  try {
    await seedPartitions(log, partitions, { seeds: configuration, now: clock.now() });
  } catch (error) {
    if (!(error instanceof Fault) || error.retry === "never") throw error;
    line.warn("the log is away; starting all the same", { reason: error.message });
  }
}

/** A door without a query role says what is missing, wherever SQL would be needed. */
const NO_ENGINE: LakeQuery = {
  run: () =>
    Promise.reject(
      new Fault("no_query_role", "Cannot ask: no query role is known; set QUERY_URL", {
        blame: "dependency",
        retry: "after_backoff",
      }),
    ),
};

interface QueryParts {
  settings: Settings;
  catalog: Catalog;
  store: ObjectStore;
  views: () => readonly LakeView[];
  clock: Clock;
  line: LogLine;
  building: AsyncDisposableStack;
}

/** An engine of our own, the query role's, or none. */
async function queryOf(role: Role, parts: QueryParts): Promise<LakeQuery | undefined> {
  const { settings, catalog, store, views, clock, line, building } = parts;
  if (settings.QUERY_URL !== null && role.name !== "query") {
    const remote = {
      url: settings.QUERY_URL,
      token: settings.API_TOKEN,
      timeout_ms: settings.QUERY_TIMEOUT_MS,
    };
    return { run: (question, signal) => askRemote(remote, question, signal) };
  }
  if (!role.has_engine) return role.shows ? NO_ENGINE : undefined;
  const lastWords = (ended: string, words: string) => line.error("a query process died", { ended, words });
  const engine = building.use(await connectEngine(settings, QUERY_SCRIPT, lastWords));
  const questions = new Questions({
    catalog,
    store,
    engine,
    get views() {
      return views();
    },
    files: building.use(await connectFiles(settings, store)),
    timeout_ms: settings.QUERY_TIMEOUT_MS,
    clock,
  });
  return {
    run: ({ sql, limit, snapshot, as_of }, signal) =>
      questions.ask({
        sql,
        limit,
        snapshot: snapshot === undefined ? undefined : Number(snapshot),
        as_of: as_of === undefined ? undefined : Date.parse(as_of),
      }, signal),
  };
}

async function shown(
  { settings, catalog, store, views }: Omit<QueryParts, "building" | "clock" | "line">,
): Promise<Pick<AppDeps, "lake" | "page">> {
  const origin = await storeOrigin(store);
  return {
    lake: {
      catalog,
      store,
      prefix: lakePrefix(settings),
      views,
      rest: restCatalog(catalog, { clientConfig: clientConfig(settings), namespaces: STAGES }),
    },
    page: (request) => pageResponse(request, { storeOrigin: origin }),
  };
}
