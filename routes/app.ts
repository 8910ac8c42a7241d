/**
 * The whole HTTP surface as one function of what it needs; it listens to nothing.
 *
 * The doors come first and pass no middleware, because they are the hot path; everything else is the site behind
 * them. A part whose dependencies are not given has no routes, so that each role shows what it can do.
 */
import { Hono } from "hono";
import { Fault } from "../lib/errors.ts";
import type { Catalog } from "../lib/iceberg/catalog.ts";
import type { RestCatalog } from "../lib/iceberg/rest_answers.ts";
import type { LiveHub } from "../lib/live/hub.ts";
import type { Health } from "../lib/observe/health.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import { alerts } from "./alerts.ts";
import { analytics } from "./analytics.ts";
import { catalog } from "./catalog.ts";
import { cloudEvents } from "./cloud_events.ts";
import { deadLetters } from "./dead_letters.ts";
import { Door, type DoorDeps, type Env, STRANGER } from "./door.ts";
import { files } from "./files.ts";
import { health } from "./health.ts";
import { hooks } from "./hooks.ts";
import { ingest } from "./ingest.ts";
import { kinds } from "./kinds.ts";
import { LakeFiles } from "./lake_files.ts";
import { LakeSql } from "./lake_sql.ts";
import { live } from "./live.ts";
import { login } from "./login.ts";
import { metrics } from "./metrics.ts";
import { openapi } from "./openapi.ts";
import { page, type PageDeps } from "./page.ts";
import { problemOf } from "./problem.ts";
import { type Progress, progressOf, versionInForce } from "./progress.ts";
import { type LakeQuery, query } from "./query.ts";
import { Replay } from "./replay.ts";
import { nextRequestId } from "./request_id.ts";
import { rules, type RulesFile } from "./rules.ts";
import { Sessions } from "./session.ts";
import { site } from "./site.ts";
import type { SmallBodies } from "./small_body.ts";
import { status, type StatusDeps } from "./status.ts";
import { type NamedView, tables } from "./tables.ts";
import { windows, type WindowsDeps } from "./windows.ts";

/** What every role has, beside what only some have. */
export interface AppDeps extends DoorDeps {
  role: string;
  health: Health;
  status: StatusDeps["status"];
  /** Hooks and ingest are open: roles all and edge. What changes something through the log goes with them. */
  has_door: boolean;
  /** SQL over the lake, by our own engine or another role's. */
  query?: LakeQuery;
  /** Which tables there are, for roles that answer questions and show no lake. */
  catalog?: Pick<Catalog, "list">;
  lake?: LakeParts;
  page?: PageDeps["page"];
  windows?: WindowsDeps["windows"];
  rules?: RulesFile;
  live?: LiveHub;
}

/** The tables and their files, for roles that show them. */
export interface LakeParts {
  catalog: Catalog;
  store: ObjectStore;
  /** What all keys of the lake begin with. */
  prefix: string;
  views(): readonly NamedView[];
  /** The same tables for Iceberg clients. */
  rest: RestCatalog;
}

export type App = Hono<Env>;

export function createApp(deps: AppDeps): App {
  const door = new Door(deps);
  const app = createDoors(deps, door);
  const behind = createSite(deps, door);
  app.notFound((c) => behind.fetch(c.req.raw, c.env));
  app.onError((error) => {
    deps.lines.error("request failed", { error });
    return door.refuse(problemOf(error, deps.scrub), STRANGER, nextRequestId());
  });
  return app;
}

/** Method and pattern of every route, those behind the doors too. */
export function routesOf(deps: AppDeps): { method: string; path: string }[] {
  const door = new Door(deps);
  return [...createDoors(deps, door).routes, ...createSite(deps, door).routes];
}

function createDoors(deps: AppDeps, door: Door): App {
  const app: App = new Hono<Env>();
  if (deps.has_door) app.route("/", hooks(door)).route("/", cloudEvents(door)).route("/", ingest(door));
  return app;
}

function createSite(deps: AppDeps, door: Door): App {
  const { clock, settings } = deps;
  const sessions = new Sessions({
    clock,
    tokens: [settings.API_TOKEN, settings.READ_TOKEN],
    secure: settings.PUBLIC_URL?.startsWith("https:") ?? false,
  });
  const bodies = { deadlines: door.deadlines, in_flight: door.in_flight };
  const app = site({ door, sessions });
  app.route("/", health(deps)).route("/", status(deps));
  const progress = progressOf(deps.status, clock);
  app.route("/", metrics({ metrics: deps.metrics, progress, health: deps.health, clock }));
  app.route("/", login({ clock, gate: door.gate, sessions, bodies, trust_proxy: settings.TRUST_PROXY }));
  if (deps.query) app.route("/", query({ query: deps.query, bodies, metrics: deps.metrics }));
  if (deps.lake) mountLake(app, deps, deps.lake, progress);
  const names = deps.lake?.catalog ?? deps.catalog;
  if (deps.query && names) {
    mountQuestions(app, deps, new LakeSql(deps.query, names), { bodies, progress, door });
  }
  if (deps.has_door) app.route("/", kinds(deps)).route("/", openapi(deps));
  if (deps.windows) app.route("/", windows({ windows: deps.windows }));
  if (deps.live) app.route("/", live({ clock, live: deps.live }));
  if (deps.page) app.route("/", page({ page: deps.page }));
  return app;
}

function mountLake(app: App, deps: AppDeps, lake: LakeParts, progress: () => Promise<Progress>): void {
  const lakeFiles = new LakeFiles({ ...lake, clock: deps.clock });
  const describeView = (name: string) => describe(deps.query, name);
  app.route("/", tables({ ...lake, files: lakeFiles, progress, describeView }));
  app.route("/", files({ files: lakeFiles, store: lake.store }));
  app.route("/", catalog({ rest: lake.rest }));
}

/** What is asked of the lake in SQL of our own, and what changes something by a record of the log. */
function mountQuestions(
  app: App,
  deps: AppDeps,
  lake: LakeSql,
  { bodies, progress, door }: { bodies: SmallBodies; progress: () => Promise<Progress>; door: Door },
): void {
  app.route("/", analytics({ clock: deps.clock, lake }));
  if (!deps.has_door) return;
  const shared = { ...deps, lake, bodies, progress };
  const replay = new Replay({ ...shared, accepted: door.accepted });
  app.route("/", alerts(shared)).route("/", deadLetters({ ...shared, replay }));
  if (!deps.rules) return;
  app.route("/", rules({ ...shared, rules: deps.rules, inForce: () => versionInForce(deps.status) }));
}

/** The columns of a view as its engine names them; none while no engine answers, because all else is known. */
async function describe(
  query: LakeQuery | undefined,
  name: string,
): Promise<{ name: string; type: string }[]> {
  if (!query) return [];
  try {
    const { columns } = await query.run({ sql: `SELECT * FROM ${name} LIMIT 0`, limit: 0 });
    return [...columns];
  } catch (error) {
    if (error instanceof Fault && error.blame === "dependency") return [];
    throw error;
  }
}
