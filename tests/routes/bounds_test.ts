/** The API's description tells the defaults and bounds that the routes go by, asked of the routes themselves. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { lakeTables } from "../../lib/lake/tables.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import type { Route } from "../../routes/api_route.ts";
import { openapiDocument, ROUTES } from "../../routes/openapi.ts";
import type { LakeQueryRequest } from "../../routes/query.ts";
import { handClock, type TestApp, testApp } from "./test_app.ts";
import { testLake } from "./test_lake.ts";

interface Probe extends TestApp {
  /** What was asked of the lake since the last call. */
  questions(): LakeQueryRequest[];
}

async function probe(): Promise<Probe> {
  const { parts } = await testLake();
  const list = () => Promise.resolve(lakeTables(kindsOf(), []).map(({ key }) => parseTableKey(key)));
  let asked: LakeQueryRequest[] = [];
  const query = {
    run(request: LakeQueryRequest) {
      asked.push(request);
      return Promise.resolve({ columns: [], rows: [], truncated: false, elapsed_ms: 0 });
    },
  };
  const rules = {
    parse: () => Promise.resolve({ body: {}, version: "v", file_hash: "h" }),
    read: () => Promise.resolve({ text: "", problem: null }),
    write: () => Promise.resolve(),
    trial: (_: unknown, hours: number) =>
      Promise.resolve({ hours, events: 0, alerts: 0, by_rule: {}, truncated: false }),
  };
  const catalog = { ...parts.catalog, list, load: parts.catalog.load.bind(parts.catalog) };
  const lake = { ...parts, catalog };
  const test = testApp({}, { clock: handClock(), lake, query, rules, windows: () => [] });
  return {
    ...test,
    questions() {
      const seen = asked;
      asked = [];
      return seen;
    },
  };
}

async function statusOf({ app }: Probe, { method, path, takes }: Route, query: string): Promise<number> {
  const address = path.replace("{name}", "processed.transactions").replace("{id}", "event");
  const body = method === "GET" ? undefined : "rules: []";
  const headers: Record<string, string> = takes ? { "content-type": takes[0] } : {};
  const response = await app.request(`${address}?${query}`, { method, body, headers });
  await response.body?.cancel();
  return response.status;
}

const TOLD = ROUTES.flatMap((route) =>
  (route.parameters ?? []).filter((one) => one.in === "query").map(({ name, schema = {} }) => ({
    route,
    name,
    schema,
    title: `${route.method} ${route.path} ${name}`,
  }))
);

Deno.test("a parameter that is left out is what its default says", async () => {
  const test = await probe();
  let count = 0;
  for (const { route, name, schema, title } of TOLD.filter(({ schema }) => "default" in schema)) {
    equal(await statusOf(test, route, ""), 200, title);
    const questions = test.questions();
    equal(await statusOf(test, route, `${name}=${schema.default}`), 200, title);
    deepEqual(test.questions(), questions, title);
    if (name === "limit" && questions.length > 0) {
      equal(questions[0].limit, Number(schema.default) + 1, title);
    }
    // Another value is another question.
    await statusOf(test, route, `${name}=${Number(schema.default) + 1}`);
    if (questions.length > 0) ok(JSON.stringify(test.questions()) !== JSON.stringify(questions), title);
    count++;
  }
  ok(count >= 12);
});

Deno.test("a parameter is taken up to its bounds, and refused beyond them", async () => {
  const test = await probe();
  let count = 0;
  const expect = async (of: typeof TOLD[number], value: unknown, status: number) => {
    equal(await statusOf(test, of.route, `${of.name}=${value}`), status, `${of.title}=${value}`);
    count++;
  };
  for (const told of TOLD) {
    const { minimum, exclusiveMinimum, maximum, enum: choices } = told.schema;
    if (typeof minimum === "number") {
      await expect(told, minimum, 200);
      await expect(told, minimum - 1, 400);
    }
    if (typeof exclusiveMinimum === "number") await expect(told, exclusiveMinimum, 400);
    if (typeof maximum === "number") {
      await expect(told, maximum, 200);
      await expect(told, maximum + 1, 400);
    }
    if (Array.isArray(choices)) {
      for (const choice of choices) await expect(told, choice, 200);
      await expect(told, "nonsense", 400);
    }
  }
  ok(count >= 40);
});

Deno.test("bodies go by the defaults and bounds that are told of them", async () => {
  const test = await probe();
  const post = async (path: string, body: unknown) => {
    const init = { method: "POST", headers: { "content-type": "application/json" } };
    const response = await test.app.request(path, { ...init, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const told = (schema: string, name: string) => {
    const { properties } = openapiDocument().components.schemas[schema];
    return (properties as Record<string, Record<string, number & string>>)[name];
  };
  await post("/api/query", { sql: "SELECT 1" });
  equal(test.questions()[0].limit, told("QueryAsked", "limit").default);
  equal(
    (await post("/api/query", { sql: "SELECT 1", limit: told("QueryAsked", "limit").minimum })).status,
    200,
  );
  equal((await post("/api/query", { sql: "SELECT 1", limit: -1 })).status, 400);
  const ids = (count: number) => ({ ids: Array.from({ length: count }, (_, i) => String(i)) });
  const most = told("ReplayAsked", "ids").maxItems;
  equal((await post("/api/dead-letters/replay", ids(most))).status, 200);
  equal((await post("/api/dead-letters/replay", ids(most + 1))).status, 400);
  const by = told("AckAsked", "by");
  const ack = (n: number, body: unknown) => post(`/api/alerts/${String(n).padStart(32, "0")}/ack`, body);
  equal((await ack(1, {})).body.acknowledged_by, by.default);
  equal((await ack(2, { by: "x".repeat(by.maxLength) })).status, 200);
  equal((await ack(3, { by: "x".repeat(by.maxLength + 1) })).status, 400);
  equal((await ack(3, { by: "" })).status, 400);
});
