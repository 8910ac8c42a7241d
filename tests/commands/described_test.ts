/** The running program answers what `/openapi.json` says: each route with its status, media type and shape. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { ROUTES } from "../../routes/openapi.ts";
import type { Route } from "../../routes/api_route.ts";
import { shapeFaults } from "../json_shape.ts";
import { settled, startProgram } from "../program.ts";
import { eventually } from "../waiting.ts";

const NOW = new Date().toISOString();
/** More than the rule `high_value_transaction` lets pass. */
const LARGE = {
  event_id: "large",
  timestamp: NOW,
  user_id: "ada",
  amount: "99999.99",
  currency: "EUR",
  status: "completed",
};
const EVENTS = [
  { ...LARGE, merchant_id: "m1", merchant_name: "Corner Shop" },
  { ...LARGE, event_id: "wrong", amount: "much" },
];
/** What the parts of a path are in this test. */
const PARTS: Record<string, string> = { kind: "transaction", name: "transactions", path: "config" };

interface Described {
  status: number;
  type: string;
  schema: Record<string, unknown>;
}

interface Document {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
  >;
  components: { schemas: Record<string, Record<string, unknown>> };
}

function described(document: Document, { method, path }: Route): Described {
  const { responses } = document.paths[path][method.toLowerCase()];
  const status = Number(Object.keys(responses).find((code) => code < "400"));
  const [[type, { schema }]] = Object.entries(responses[status].content ?? { "": { schema: {} } });
  return { status, type, schema: schema as Record<string, unknown> };
}

/** What is sent to routes that take something; those of sessions and streams are tried elsewhere. */
const BODIES: Record<string, string> = {
  "POST /ingest/{kind}": JSON.stringify({ ...LARGE, event_id: "one more", amount: "1" }),
  "POST /ingest/cloudevents": JSON.stringify({
    specversion: "1.0",
    id: "c1",
    source: "/here",
    type: "com.example.nothing",
    data: {},
  }),
  "POST /api/query": '{"sql":"SELECT count(*) FROM transactions"}',
  "POST /api/alerts/{id}/ack": '{"by":"ada"}',
  "POST /api/dead-letters/replay": '{"ids":[]}',
  "PUT /api/rules": "rules: []",
  "POST /iceberg/v1/{path}": "{}",
};
const REPORTS = "namespaces/processed/tables/transactions/metrics";
const ELSEWHERE = new Set([
  "POST /hooks/{source}",
  "OPTIONS /ingest/cloudevents",
  "GET /lake/{file}",
  "GET /api/live",
  "GET /assets/{file}",
  "GET /",
  "POST /login",
  "POST /logout",
]);

Deno.test("every route answers as openapi.json describes it, with data in every list", async () => {
  const DATA_DIR = await Deno.makeTempDir();
  const CONFIG_DIR = await Deno.makeTempDir();
  for (const name of ["rules.yaml", "windows.yaml", "sources.yaml"]) {
    await Deno.copyFile(`config/${name}`, `${CONFIG_DIR}/${name}`);
  }
  const env = { DATA_DIR, CONFIG_DIR, CHECKPOINT_MS: "300" };
  const program = await startProgram({ env });
  try {
    const headers = { "content-type": "application/json" };
    const sent = await fetch(`${program.url}/ingest/transaction`, {
      method: "POST",
      headers,
      body: JSON.stringify(EVENTS),
    });
    equal((await sent.json()).accepted, 2);
    await settled(program.url);
    const stats = async () => await (await fetch(`${program.url}/api/stats`)).json();
    await eventually(stats, ({ history }) => history.length > 0, { what: "a point of the history" });
    const document: Document = await (await fetch(`${program.url}/openapi.json`)).json();
    const listed = await (await fetch(`${program.url}/api/alerts`)).json();
    const parts: Record<string, string> = { ...PARTS, id: listed.items[0].alert_id };
    const faults: string[] = [];
    // What changes something comes last.
    const routes = ROUTES.toSorted((a, b) => Number(a.method !== "GET") - Number(b.method !== "GET"));
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      if (ELSEWHERE.has(name)) continue;
      const { status, type, schema } = described(document, route);
      if (route.method === "POST" && route.path.startsWith("/iceberg/")) parts.path = REPORTS;
      const path = route.path === "/api/users/{id}/trends"
        ? "/api/users/ada/trends"
        : route.path.replace(/\{(\w+)\}/g, (_, part) => parts[part]);
      const body = BODIES[name];
      const media = name.endsWith("cloudevents") ? "application/cloudevents+json" : "application/json";
      const answer = await fetch(`${program.url}${path}`, {
        method: route.method,
        body,
        headers: body ? { "content-type": media } : {},
      });
      const text = await answer.text();
      equal(answer.status, status, `${name}: ${text}`);
      if (status === 204) continue;
      ok(
        answer.headers.get("content-type")?.toLowerCase().startsWith(type),
        `${name}: ${answer.headers.get("content-type")}`,
      );
      ok(answer.headers.get("x-request-id"), name);
      if (type !== "application/json") continue;
      const value = JSON.parse(text);
      faults.push(...shapeFaults(schema, value, document.components.schemas).map((one) => `${name}: ${one}`));
      if (route.method === "GET" && "items" in value) ok(value.items.length > 0, `${name} is empty`);
    }
    deepEqual(faults, []);
    const missing = await fetch(`${program.url}/api/tables/nothing`);
    deepEqual(
      shapeFaults(document.components.schemas.Problem, await missing.json(), document.components.schemas),
      [],
    );
  } finally {
    await program.stop();
    await Promise.all([DATA_DIR, CONFIG_DIR].map((folder) => Deno.remove(folder, { recursive: true })));
  }
});

Deno.test("shapeFaults finds what is missing, of another type, or not described", () => {
  const schema = {
    type: "object",
    properties: { a: { type: "integer" }, b: { type: ["string", "null"] } },
    required: ["a"],
  };
  deepEqual(shapeFaults(schema, { a: 1, b: null }, {}), []);
  deepEqual(shapeFaults(schema, { b: 2, c: 3 }, {}), [
    "a is missing",
    "b is no string,null: 2",
    "c is not described",
  ]);
  deepEqual(shapeFaults({ items: { $ref: "#/x/T" } }, [{ a: 1 }, { a: "x" }], { T: schema }), [
    '[1].a is no integer: "x"',
  ]);
});
