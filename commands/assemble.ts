/** What a role is made of: adapters from settings, joined into what the routes need. */
import type { Clock } from "../lib/clock.ts";
import { type Configuration, loadConfiguration } from "../lib/configuration.ts";
import { type ConfigurationWatch, watchConfiguration, type WatchParts } from "../lib/configuration_watch.ts";
import type { Settings } from "../lib/config.ts";
import { clientConfig, connectCatalog, connectChains, lakePrefix, storeOrigin } from "../lib/connect.ts";
import { restCatalog } from "../lib/iceberg/rest_answers.ts";
import { AlertTail } from "../lib/live/alert_tail.ts";
import { LiveHub } from "../lib/live/hub.ts";
import { checkTables } from "../lib/lake/ensure_tables.ts";
import { addedIn } from "../lib/lake/evolution.ts";
import { readStatus } from "../lib/lake/status.ts";
import { lakeTables } from "../lib/lake/tables.ts";
import { lakeViews } from "../lib/lake/views.ts";
import { spillStateOf } from "../lib/log/spill_state.ts";
import { Health } from "../lib/observe/health.ts";
import { LastTrouble } from "../lib/observe/last_trouble.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { Metrics } from "../lib/observe/metrics.ts";
import type { Scrub } from "../lib/observe/scrub.ts";
import type { AppDeps } from "../routes/app.ts";
import { pageResponse } from "../static/assets.ts";
import type { Supervisor } from "../workers/supervisor.ts";
import { addedInLake, asFarAsKnown } from "./added_columns.ts";
import { dependenciesOf } from "./dependencies.ts";
import { fullStatus } from "./full_status.ts";
import { checkLog, logOf, NO_LOG, seed } from "./role_log.ts";
import { queryOf, type QueryParts } from "./role_query.ts";
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
  const { log, partitions } = await logOf(role, { settings, clock, line, metrics, building });
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

async function shown(
  { settings, catalog, store, views }: Pick<QueryParts, "settings" | "catalog" | "store" | "views">,
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
