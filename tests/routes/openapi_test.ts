/** The API's description says of every route that it is there, and of none that is not. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { AlertTail } from "../../lib/live/alert_tail.ts";
import { LiveHub } from "../../lib/live/hub.ts";
import { Health } from "../../lib/observe/health.ts";
import { Metrics } from "../../lib/observe/metrics.ts";
import { openapiDocument, ROUTES } from "../../routes/openapi.ts";
import { type AppDeps, createApp, routesOf } from "../../routes/app.ts";
import type { Route } from "../../routes/api_route.ts";
import { handClock, testApp } from "./test_app.ts";
import { testLake } from "./test_lake.ts";

/** Every part that some role has. */
async function wholeDeps(): Promise<AppDeps> {
  const { parts } = await testLake();
  const clock = handClock();
  const nothing = () => Promise.reject(new Error("is not asked"));
  const live = new LiveHub({
    clock,
    metrics: new Metrics(),
    health: new Health([], clock),
    status: nothing,
    alerts: new AlertTail({ identity: nothing, bounds: nothing, read: nothing }),
    problems: () => [],
    scrub: (text) => text,
  });
  const parse = () => Promise.resolve({ body: {}, version: "", file_hash: "" });
  return testApp({}, {
    clock,
    live,
    lake: parts,
    query: { run: nothing },
    page: () => Promise.resolve(null),
    windows: () => [],
    rules: { parse, read: nothing, write: nothing, trial: nothing },
  }).deps;
}

const asPattern = (path: string) => path.replace(/\{(file|path)\}/, "*").replace(/\{(\w+)\}/g, ":$1");

Deno.test("the table of routes holds every route that is served, and no other", async () => {
  const served = new Set(
    routesOf(await wholeDeps()).filter(({ path }) => path !== "/*")
      .map(({ method, path }) => `${method === "ALL" ? "GET" : method} ${path}`),
  );
  const told = new Set(ROUTES.map(({ method, path }) => `${method} ${asPattern(path)}`));
  deepEqual([...served].filter((one) => !told.has(one)), []);
  deepEqual([...told].filter((one) => !served.has(one)), []);
});

Deno.test("openapi.json is OpenAPI 3.1 whose references and parameters hold together", async () => {
  const { app } = testApp();
  const document = await (await app.request("/openapi.json")).json();
  equal(document.openapi, "3.1.0");
  const schemas = new Set(Object.keys(document.components.schemas));
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    ok(schemas.has(name), name);
  }
  const ids = new Set<string>();
  for (const { method, path, parameters = [] } of ROUTES) {
    const operation = document.paths[path][method.toLowerCase()];
    ok(!ids.has(operation.operationId), operation.operationId);
    ids.add(operation.operationId);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    deepEqual(parameters.filter((one) => one.in === "path").map(({ name }) => name), inPath, path);
    ok(
      Object.values(operation.responses).every((one) => (one as { description?: string }).description),
      path,
    );
  }
  deepEqual(document, JSON.parse(JSON.stringify(openapiDocument())));
});

Deno.test("the table says what the guard does: reading, changing, open", async () => {
  const deps = await wholeDeps();
  const settings = { ...deps.settings, API_TOKEN: "admin-token-1", READ_TOKEN: "read-token-1" };
  const app = createApp({ ...deps, settings });
  const statusOf = async ({ method, path }: Route, token?: string) => {
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    const body = method === "GET" || method === "OPTIONS" ? undefined : "{}";
    const isReport = method === "POST" && path.startsWith("/iceberg/");
    const address = path.replace(/\{\w+\}/g, isReport ? "event/metrics" : "event");
    const response = await app.request(address, { method, headers, body });
    await response.body?.cancel();
    return response.status;
  };
  for (const route of ROUTES) {
    const name = `${route.method} ${route.path}`;
    const [stranger, reader] = [await statusOf(route), await statusOf(route, "read-token-1")];
    const described = openapiDocument().paths[route.path][route.method.toLowerCase()] as {
      responses: object;
    };
    if (stranger === 401 && route.access !== "open") ok("429" in described.responses, name);
    if (route.access === "read") deepEqual([stranger === 401, reader === 403], [true, false], name);
    if (route.access === "admin") deepEqual([stranger, reader], [401, 403], name);
    if (route.access === "ingest") deepEqual([stranger, reader], [401, 401], name);
  }
});

Deno.test("openapi.json tells every refusal that the guard, a body or an unready role gives, with its media type", async () => {
  const deps = await wholeDeps();
  const check = () => Promise.reject(new Error("is away"));
  const down = new Health([{ name: "log", required: true, check }], deps.clock);
  const app = createApp({ ...deps, health: down });
  const { paths } = openapiDocument();
  const refused: [string, RequestInit][] = [
    ["another host", { headers: { host: "evil.example" } }],
    ["another origin", { headers: { origin: "https://evil.example" } }],
    ["large headers", { headers: { "x-large": "a".repeat(20_000) } }],
    ["an encoded body", { headers: { "content-encoding": "gzip", "content-type": "application/json" } }],
    ["a large body", { body: " ".repeat(6 * 1024 * 1024), headers: { "content-type": "application/json" } }],
    ["nothing else", {}],
  ];
  for (const { method, path } of ROUTES) {
    const { responses } = paths[path][method.toLowerCase()] as {
      responses: Record<string, { content?: Record<string, unknown> }>;
    };
    for (const [what, init] of refused) {
      const hasBody = method === "POST" || method === "PUT";
      if (!hasBody && (init.body !== undefined || what === "an encoded body")) continue;
      const body = hasBody ? init.body ?? "{}" : undefined;
      const answer = await app.request(path.replace(/\{\w+\}/g, "event"), { ...init, method, body });
      await answer.body?.cancel();
      // What stands behind the routes here does nothing.
      if (answer.status === 500) continue;
      const name = `${method} ${path} with ${what}: ${answer.status}`;
      ok(String(answer.status) in responses, name);
      const media = answer.headers.get("content-type")?.split(";")[0];
      if (answer.status >= 400 && media) {
        ok(Object.keys(responses[answer.status].content ?? {}).includes(media), `${name} ${media}`);
      }
    }
  }
});

Deno.test("docs needs no script and no other origin", async () => {
  const { app } = testApp();
  const response = await app.request("http://127.0.0.1:8123/docs");
  const html = await response.text();
  ok(html.includes(" http://127.0.0.1:8123/ingest/transaction "));
  const behindProxy = testApp({ PUBLIC_URL: "https://lake.example" }).app;
  match(
    await (await behindProxy.request("http://127.0.0.1:8123/docs")).text(),
    /curl https:\/\/lake\.example\/api/,
  );
  for (const { path } of ROUTES) ok(html.includes(path.replaceAll("&", "&amp;")), path);
  const said = (name: string) => new RegExp(`<code>${name}</code></td><td class="dim">body</td><td>\\w`);
  for (const name of ["sql", "as_of", "format", "ids", "body", "by"]) match(html, said(name));
  doesNotMatch(html, /<td>undefined/);
  doesNotMatch(html, /<script|https?:\/\/(?!127\.0\.0\.1)/);
  match(response.headers.get("content-security-policy") ?? "", /default-src 'none'.*style-src 'sha256-/);
});
