/** `POST /api/query` passes one question on, answers in four forms, and maps the engine's faults to statuses. */
import { deepEqual, equal, match } from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { Fault, type FieldFault } from "../../lib/errors.ts";
import type { QueryResult } from "../../lib/query/engine.ts";
import { Metrics } from "../../lib/observe/metrics.ts";
import { Deadlines } from "../../routes/deadlines.ts";
import { BytesInFlight } from "../../routes/limits.ts";
import { type LakeQueryRequest, query } from "../../routes/query.ts";
import { problemOf } from "../../routes/problem.ts";
import { systemClock } from "../../lib/clock.ts";
import { eventually } from "../waiting.ts";
import { testApp } from "./test_app.ts";

const RESULT: QueryResult = {
  columns: [{ name: "n", type: "INTEGER" }, { name: "t", type: "VARCHAR" }],
  rows: [[1, "=cmd()"], [-2, null]],
  truncated: true,
  elapsed_ms: 3,
};

function served(run: (request: LakeQueryRequest) => Promise<QueryResult> = () => Promise.resolve(RESULT)) {
  const requests: LakeQueryRequest[] = [];
  const test = testApp({}, {
    query: {
      run(request) {
        requests.push(request);
        return run(request);
      },
    },
  });
  const ask = async (body: unknown, path = "/api/query") =>
    await test.app.request(path, {
      method: "POST",
      headers: { "content-type": typeof body === "string" ? "text/plain" : "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return { ...test, requests, ask };
}

Deno.test("query refuses a body that is not UTF-8, rather than asking something else", async () => {
  const { app, requests } = served();
  for (const type of ["text/plain", "application/json"]) {
    const body = new Uint8Array([...new TextEncoder().encode("SELECT '"), 0xff, 0x27]);
    const response = await app.request("/api/query", {
      method: "POST",
      headers: { "content-type": type },
      body,
    });
    deepEqual([response.status, (await response.json()).code], [400, "not_utf8"], type);
  }
  deepEqual(requests, []);
});

Deno.test("query answers JSON with columns, rows and whether it was cut", async () => {
  const { ask, requests } = served();
  deepEqual(await (await ask({ sql: "SELECT 1" })).json(), RESULT);
  deepEqual(requests, [{ sql: "SELECT 1", limit: 10_000 }]);
});

Deno.test("query takes a text body, with its options in the address", async () => {
  const { ask, requests } = served();
  equal((await ask("SELECT 2", "/api/query?limit=5&as_of=2026-01-31T09:30:00Z")).status, 200);
  equal((await ask("SELECT 3", "/api/query?as_of=2026-01-31")).status, 200);
  deepEqual(requests, [
    { sql: "SELECT 2", limit: 5, as_of: "2026-01-31T09:30:00.000Z" },
    { sql: "SELECT 3", limit: 10_000, as_of: "2026-01-31T00:00:00.000Z" },
  ]);
});

Deno.test("query cuts the limit at a million and refuses what it cannot read", async () => {
  const { ask, requests } = served();
  await ask({ sql: "SELECT 1", limit: 5_000_000, snapshot: 42 });
  deepEqual(requests[0], { sql: "SELECT 1", limit: 1_000_000, snapshot: "42" });
  await ask({ sql: "SELECT 2", limit: null, snapshot: null, as_of: null });
  deepEqual(requests[1], { sql: "SELECT 2", limit: 10_000 });
  for (
    const body of [
      {},
      { sql: "" },
      { sql: 5 },
      { sql: "x", limit: -1 },
      { sql: "x", limit: true },
      { sql: "x", limit: "" },
      { sql: "x", as_of: "then" },
      {
        sql: "x",
        format: "xls",
      },
    ]
  ) {
    const response = await ask(body);
    equal(response.status, 400, JSON.stringify(body));
    equal(response.headers.get("content-type"), "application/problem+json");
  }
  const both = await ask({ sql: "x", snapshot: 42, as_of: "2026-01-31" });
  equal(both.status, 400);
  const { errors } = await both.json();
  deepEqual(errors.map(({ field, expected }: FieldFault) => [field, expected]), [
    ["snapshot", "it must be given without as_of: either of them says which snapshot is meant"],
  ]);
  equal((await ask("SELECT 1", "/api/query?snapshot=42&as_of=2026-01-31")).status, 400);
  equal((await ask("SELECT 1".padEnd(1_100_000))).status, 413);
});

Deno.test("query answers NDJSON, CSV safe for spreadsheets, and Arrow", async () => {
  const { ask } = served();
  const ndjson = await ask({ sql: "x", format: "ndjson" });
  equal(await ndjson.text(), '{"n":1,"t":"=cmd()"}\n{"n":-2,"t":null}\n');
  equal(ndjson.headers.get("x-truncated"), "true");
  equal(await (await ask({ sql: "x", format: "csv" })).text(), "n,t\r\n1,'=cmd()\r\n-2,\r\n");
  const arrow = tableFromIPC(new Uint8Array(await (await ask({ sql: "x", format: "arrow" })).arrayBuffer()));
  deepEqual([...arrow.getChild("n")!], [1, -2]);
});

Deno.test("query maps the engine's faults to 400, 408, 422 and 503, with line and column", async () => {
  const fails = async (code: string, blame: "sender" | "dependency" = "sender") => {
    const fault = new Fault(code, `Cannot run the query: ${code}`, {
      blame,
      retry: "never",
      fields: [{ field: "line", code, actual: "3" }, { field: "column", code, actual: "14" }],
    });
    const response = await served(() => Promise.reject(fault)).ask({ sql: "x" });
    return { status: response.status, body: await response.json() };
  };
  const syntax = await fails("syntax");
  deepEqual([syntax.status, syntax.body.code, syntax.body.line, syntax.body.column], [400, "syntax", 3, 14]);
  equal((await fails("refused")).status, 400);
  equal((await fails("timeout")).status, 408);
  equal((await fails("limit")).status, 422);
  equal((await fails("engine_died", "dependency")).status, 503);
});

Deno.test("query answers a browser's timeout with 422, for 408 would make it send the query again", async () => {
  const fault = new Fault("timeout", "Cannot run the query: it took too long", {
    blame: "sender",
    retry: "never",
  });
  const { app } = served(() => Promise.reject(fault));
  const ask = async (headers: Record<string, string>) =>
    await app.request("http://127.0.0.1:8000/api/query", { method: "POST", headers, body: "SELECT 1" });
  equal((await ask({})).status, 408);
  const answer = await ask({ origin: "http://127.0.0.1:8000" });
  deepEqual([answer.status, (await answer.json()).code], [422, "timeout"]);
});

Deno.test("query counts its outcomes", async () => {
  const { ask, app } = served();
  await ask({ sql: "x" });
  match(await (await app.request("/metrics")).text(), /millrace_queries_total\{outcome="ok"\} 1/);
});

Deno.test("a query whose asker went away is counted as cancelled, and is no failure", async () => {
  const leaving = new AbortController();
  const { app, lines } = served(() => {
    leaving.abort();
    return Promise.reject(leaving.signal.reason);
  });
  await app.request("/api/query", { method: "POST", body: "SELECT 1", signal: leaving.signal });
  match(await (await app.request("/metrics")).text(), /millrace_queries_total\{outcome="cancelled"\} 1/);
  deepEqual(lines.filter((line) => /"level":"error"|error/i.test(line) && /request failed/.test(line)), []);
});

Deno.test("large answers that nobody reads are held in a bounded number, and let go of with their connections", async () => {
  const MIB = 1024 * 1024;
  const unread = new BytesInFlight(64 * MIB);
  const large: QueryResult = { ...RESULT, rows: [[1, "x".repeat(40 * MIB)]] };
  const app = query({
    query: { run: ({ sql }) => Promise.resolve(sql === "large" ? large : RESULT) },
    bodies: { deadlines: new Deadlines(10_000, systemClock), in_flight: new BytesInFlight(MIB) },
    metrics: new Metrics(),
    unread,
  });
  app.onError((error) => problemOf(error, (text) => text));
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) => app.fetch(request, info),
  );
  const { port } = server.addr;
  const ask = (sql: string) => fetch(`http://127.0.0.1:${port}/api/query`, { method: "POST", body: sql });
  const idle = await Deno.connect({ port, hostname: "127.0.0.1" });
  const request = `POST /api/query HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-length: 5\r\n\r\nlarge`;
  await idle.write(new TextEncoder().encode(request));
  await eventually(() => Promise.resolve(unread.held_bytes), (bytes) => bytes > 0, { what: "the answer" });
  const refused = await ask("large");
  deepEqual([refused.status, (await refused.json()).code], [503, "busy"]);
  deepEqual(await (await ask("small")).json(), RESULT);
  idle.close();
  await eventually(() => Promise.resolve(unread.held_bytes), (bytes) => bytes === 0, { what: "its end" });
  deepEqual(await (await ask("large")).json(), large);
  await server.shutdown();
  equal(unread.held_bytes, 0);
});
