/**
 * Everything but the doors: the guard that each request passes, and the routes behind it.
 *
 *   Host and Origin ─ headers bounded ─ token or session ─ may it? ─ route ─ security headers, id, count
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { messageOf } from "../lib/errors.ts";
import { allowedMethods } from "./allowed_methods.ts";
import { CONTROL_ROUTES } from "./api_control_routes.ts";
import { DATA_ROUTES } from "./api_data_routes.ts";
import { inCatalogWords } from "./catalog.ts";
import { type Door, type Env, headersTooLarge } from "./door.ts";
import type { Visitor } from "./gate.ts";
import { unauthorised } from "./login.ts";
import { isProblem, mayHaveBody, problem, problemOf } from "./problem.ts";
import { nextRequestId, REQUEST_ID } from "./request_id.ts";
import { SECURITY_HEADERS } from "./security_headers.ts";
import { SESSION_COOKIE, type Sessions } from "./session.ts";

export interface SiteOptions {
  door: Door;
  sessions: Sessions;
}

const OPEN_PATHS = new Set(["/livez", "/readyz", "/login", "/logout"]);
/** What is asked with POST but changes nothing. */
const READING_POSTS = /^\/api\/query$|^\/iceberg\/v1\/.+\/metrics$/;
const CATALOG = "/iceberg/";
/** What PyIceberg sends when it has no token. */
const NO_TOKEN_OF_PYICEBERG = "Bearer None";

export function site(options: SiteOptions): Hono<Env> {
  const { door } = options;
  const app = new Hono<Env>();
  app.use("*", dress(options), guard(options));
  app.notFound((c) => nothingAt(c.req));
  app.onError((error, c) => {
    const answer = problemOf(error, door.deps.scrub);
    const facts = { path: c.req.path, status: answer.status, reason: messageOf(error) };
    // Who went away is told nothing, and is no failure of ours.
    const hasLeft = c.req.raw.signal.aborted;
    if (answer.status === 500 && !hasLeft) door.deps.lines.error("request failed", { ...facts, error });
    else door.deps.lines.debug("request refused", facts);
    return answer;
  });
  return app;
}

const allowed = allowedMethods([...DATA_ROUTES, ...CONTROL_ROUTES]);

/** 405 for a method that the path does not take; 404 also for what another role serves. */
function nothingAt({ path, method }: { path: string; method: string }): Response {
  const methods = allowed(path);
  return methods.length === 0 || methods.includes(method)
    ? problem({ status: 404, detail: `There is nothing at ${path} here.`, code: "not_found" })
    : problem({
      status: 405,
      detail: `${path} takes ${methods.join(", ")}.`,
      code: "method_not_allowed",
      headers: { allow: methods.join(", ") },
    });
}

function dress({ door }: SiteOptions): MiddlewareHandler<Env> {
  const always = Object.entries(SECURITY_HEADERS);
  const { metrics, lines } = door.deps;
  return async (c, next) => {
    const requestId = nextRequestId();
    const started = performance.now();
    await next();
    if (c.req.path.startsWith(CATALOG) && isProblem(c.res)) c.res = await inCatalogWords(c.res);
    if (c.req.method === "HEAD") await tellLength(c.res);
    for (const [name, value] of always) if (!c.res.headers.has(name)) c.res.headers.set(name, value);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
    c.res.headers.set(REQUEST_ID, requestId);
    const seconds = (performance.now() - started) / 1000;
    const route = routeOf(c);
    metrics.counter("requests_total", { route, status: String(c.res.status) }).add();
    metrics.histogram("request_seconds", { route }).observe(seconds);
    lines.debug("request", {
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      seconds,
      request_id: requestId,
    });
  };
}

/** The length that GET would have: left to itself the server says 0, because HEAD has no body. */
async function tellLength(answer: Response): Promise<void> {
  if (answer.body === null || answer.headers.has("content-length")) return;
  const { byteLength } = await answer.arrayBuffer();
  answer.headers.set("content-length", String(byteLength));
}

/** The pattern of the route, so that names in paths do not become series. */
function routeOf(c: Context<Env>): string {
  const path = c.req.routePath;
  return path === "*" || path === "/*" ? "other" : path;
}

function guard({ door, sessions }: SiteOptions): MiddlewareHandler<Env> {
  const { gate } = door;
  return async (c, next) => {
    const request = c.req.raw;
    const early = gate.misdirected(request) ?? headersTooLarge(request.headers);
    if (early) return early;
    if (OPEN_PATHS.has(c.req.path)) return await next();
    const visitor = visitorOf(c, door, sessions);
    if (visitor === null) return door.tooManyWrongTokens(c) ?? unauthorised(request);
    const refused = mayNot(request, c.req.path, visitor);
    return refused ?? await next();
  };
}

function visitorOf(c: Context<Env>, { gate }: Door, sessions: Sessions): Visitor | null {
  const { headers } = c.req.raw;
  const isAnonymous = c.req.path.startsWith(CATALOG) &&
    headers.get("authorization") === NO_TOKEN_OF_PYICEBERG;
  const { given, visitor } = gate.bearer(headers);
  if (given && !isAnonymous) return visitor;
  if (!gate.asksForToken) return { level: "admin", source: "token" };
  const level = sessions.levelOf(headers);
  return level === null ? null : { level, source: "token" };
}

function mayNot(request: Request, path: string, visitor: Visitor): Response | null {
  const changes = !["GET", "HEAD", "OPTIONS"].includes(request.method) && !READING_POSTS.test(path);
  const close = mayHaveBody(request);
  if (visitor.level === "ingest") {
    return problem({ status: 403, detail: "This token may only send events.", close });
  }
  if (changes && visitor.level !== "admin") {
    return problem({ status: 403, detail: "This token may read; only API_TOKEN changes things.", close });
  }
  const byCookie = request.headers.get("authorization") === null &&
    (request.headers.get("cookie") ?? "").includes(SESSION_COOKIE);
  const isUnsafe = !["GET", "HEAD", "OPTIONS"].includes(request.method);
  // A foreign Origin was refused before; a session's call must show that it comes from our own page.
  return isUnsafe && byCookie && request.headers.get("origin") === null
    ? problem({ status: 403, detail: "A call with a session needs an Origin.", code: "no_origin", close })
    : null;
}
