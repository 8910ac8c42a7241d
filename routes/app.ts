/**
 * The whole HTTP surface as one function of what it needs; it listens to nothing.
 *
 * The doors come first and pass no middleware, because they are the hot path; everything else is the site behind
 * them. A part whose dependencies are not given has no routes, so that each role shows what it can do.
 */
import { Hono } from "hono";
import type { Health } from "../lib/observe/health.ts";
import { Door, type DoorDeps, type Env } from "./door.ts";
import { health } from "./health.ts";
import { hooks } from "./hooks.ts";
import { ingest } from "./ingest.ts";
import { login } from "./login.ts";
import { metrics } from "./metrics.ts";
import { problemOf } from "./problem.ts";
import { type LakeQuery, query } from "./query.ts";
import { Sessions } from "./session.ts";
import { site } from "./site.ts";
import { status, type StatusDeps } from "./status.ts";

/** What every role has, beside what only some have. */
export interface AppDeps extends DoorDeps {
  role: string;
  health: Health;
  status: StatusDeps["status"];
  /** Hooks and ingest are open: roles all and edge. */
  has_door: boolean;
  query?: LakeQuery;
  /** Origins of the store that data files are redirected to. */
  store_origins?: readonly string[];
}

export type App = Hono<Env>;

export function createApp(deps: AppDeps): App {
  const door = new Door(deps);
  const app: App = new Hono<Env>();
  if (deps.has_door) app.route("/", hooks(door)).route("/", ingest(door));
  const behind = createSite(deps, door);
  app.notFound((c) => behind.fetch(c.req.raw, c.env));
  app.onError((error) => {
    deps.lines.error("request failed", { error });
    return door.finish(problemOf(error, deps.scrub), "unknown");
  });
  return app;
}

function createSite(deps: AppDeps, door: Door): App {
  const { clock, settings, store_origins = [] } = deps;
  const sessions = new Sessions({
    clock,
    tokens: [settings.API_TOKEN, settings.READ_TOKEN],
    secure: settings.PUBLIC_URL?.startsWith("https:") ?? false,
  });
  const bodies = { deadlines: door.deadlines, in_flight: door.in_flight };
  const app = site({ door, sessions, store_origins });
  app.route("/", health(deps)).route("/", metrics(deps)).route("/", status(deps));
  app.route("/", login({ clock, gate: door.gate, sessions, bodies, trust_proxy: settings.TRUST_PROXY }));
  if (deps.query) app.route("/", query({ query: deps.query, bodies, metrics: deps.metrics }));
  return app;
}
