/** What a role is made of: adapters from settings, joined into what the routes need. */
import { type Clock } from "../lib/clock.ts";
import { loadConfiguration } from "../lib/configuration.ts";
import type { Settings } from "../lib/config.ts";
import { restCatalog } from "../lib/iceberg/rest_answers.ts";
import { pageResponse } from "../static/assets.ts";
import {
  clientConfig,
  connectCatalog,
  connectChains,
  connectDoorLog,
  connectEngine,
  connectFiles,
  connectStore,
  lakePrefix,
  probeStore,
  storeOrigin,
} from "../lib/connect.ts";
import { Questions } from "../lib/lake/questions.ts";
import { lakeViews } from "../lib/lake/views.ts";
import { readStatus } from "../lib/lake/status.ts";
import { seedPartitions } from "../lib/partition/control_record.ts";
import { type Dependency, Health } from "../lib/observe/health.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { Metrics } from "../lib/observe/metrics.ts";
import type { Scrub } from "../lib/observe/scrub.ts";
import type { AppDeps } from "../routes/app.ts";
import type { Supervisor } from "../workers/supervisor.ts";
import type { Role } from "./serve.ts";

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
}

const STAGES = ["raw", "processed", "analytics"];
const KEEPER_URL = new URL("../workers/log_keeper.ts", import.meta.url);
const QUERY_SCRIPT = new URL("../workers/query.ts", import.meta.url);

export async function assemble(role: Role, context: AssembleContext): Promise<Assembled> {
  const { settings, clock, line, metrics, scrub, supervisor } = context;
  await using building = new AsyncDisposableStack();
  const configuration = await loadConfiguration(settings);
  const store = building.use(await connectStore(settings));
  await probeStore(store);
  const log = building.use(await connectDoorLog(settings, KEEPER_URL));
  const identity = await log.identity("events");
  await seedPartitions(log, identity.partitions, { seeds: configuration, now: clock.now() });
  const catalog = connectCatalog(settings, store);
  const chains = connectChains(store, identity.partitions);
  const engine = building.use(await connectEngine(settings, QUERY_SCRIPT));
  const views = lakeViews(configuration.kinds, configuration.windows);
  const questions = new Questions({
    catalog,
    store,
    engine,
    views,
    files: await connectFiles(settings, store),
  });
  const dependencies: Dependency[] = [
    { name: "log", required: true, check: () => log.bounds("events", 0).then(() => "ok" as const) },
    { name: "store", required: true, check: () => store.head("checkpoints/ready").then(() => "ok" as const) },
    {
      name: "workers",
      required: false,
      check: () => Promise.resolve(supervisor.ready() ? "ok" : "degraded"),
    },
  ];
  const deps: AppDeps = {
    role: role.name,
    has_door: role.has_door,
    clock,
    settings,
    log,
    partitions: identity.partitions,
    sources: configuration.sources,
    kinds: () => configuration.kinds,
    metrics,
    lines: line,
    scrub,
    health: new Health(dependencies, clock),
    status: () => readStatus({ log, catalog, chains, clock }),
    lake: {
      catalog,
      store,
      prefix: lakePrefix(settings),
      views: () => views,
      rest: restCatalog(catalog, { clientConfig: clientConfig(settings), namespaces: STAGES }),
    },
    page: (request) => pageResponse(request, { storeOrigin: storeOrigin(settings) }),
    query: {
      run: ({ sql, limit, snapshot, as_of }, signal) =>
        questions.ask({
          sql,
          limit,
          snapshot: snapshot === undefined ? undefined : Number(snapshot),
          as_of: as_of === undefined ? undefined : Date.parse(as_of),
        }, signal),
    },
  };
  const stack = building.move();
  return { deps, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
