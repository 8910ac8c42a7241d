/** `POST /ingest/:kind` stores exact slices, all of a request or none, and names what is already known to be dead. */
import { deepEqual, equal, match } from "node:assert/strict";
import { partitionOf } from "../../lib/log/topics.ts";
import { handClock, PARTITIONS, type TestApp, testApp } from "./test_app.ts";

const NDJSON = "application/x-ndjson";

interface Sending {
  path?: string;
  type?: string;
  headers?: Record<string, string>;
}

async function post({ app }: TestApp, body: BodyInit, sending: Sending = {}): Promise<Response> {
  const headers = { "content-type": sending.type ?? "application/json", ...sending.headers };
  return await app.request(sending.path ?? "/ingest/transaction", { method: "POST", headers, body });
}

function texts({ records }: TestApp): string[] {
  return records.map(({ value }) => new TextDecoder().decode(value));
}

Deno.test("ingest stores each line of NDJSON as it came, with kind and source", async () => {
  const test = testApp({}, { clock: handClock() });
  const response = await post(test, '{"event_id":"a","user_id":"u1"}\r\n\n  {"event_id":"b"} \nnope\n', {
    type: NDJSON,
  });
  equal(response.status, 202);
  deepEqual(await response.json(), {
    accepted: 3,
    duplicates: 0,
    rejected: [{ index: 2, reason: "undecodable" }],
  });
  deepEqual(texts(test), ['{"event_id":"a","user_id":"u1"}', '  {"event_id":"b"} ', "nope"]);
  deepEqual(test.records[0].headers, { source: "token", kind: "transaction", content_type: NDJSON });
  equal(test.records[0].partition, partitionOf("u1", PARTITIONS));
  equal(test.records[1].partition, partitionOf("b", PARTITIONS));
});

Deno.test("ingest stores an object, each element of an array, and nothing of an empty body", async () => {
  const test = testApp();
  equal((await (await post(test, '{"event_id":"a"}')).json()).accepted, 1);
  equal((await (await post(test, '[ {"event_id":"b"} , 5]')).json()).accepted, 2);
  for (const body of ["", "[]", "  "]) equal((await (await post(test, body)).json()).accepted, 0, body);
  equal((await (await post(test, "\n\n", { type: NDJSON })).json()).accepted, 0);
  deepEqual(texts(test), ['{"event_id":"a"}', '{"event_id":"b"}', "5"]);
});

Deno.test("ingest takes any object as event, and names the kinds to who asks for another", async () => {
  const test = testApp();
  equal((await post(test, '{"x":1}', { path: "/ingest/event" })).status, 202);
  for (const name of ["transactions", "__proto__", "nope"]) {
    const response = await post(test, "{}", { path: `/ingest/${name}` });
    equal(response.status, 404, name);
    const { detail } = await response.json();
    match(detail, /transaction, .*clickstream.*event/);
    match(detail, /config\/kinds\.yaml/);
  }
  const elsewhere = await post(testApp({ CONFIG_DIR: "/etc/lake" }), "{}", { path: "/ingest/nope" });
  match((await elsewhere.json()).detail, / in \/etc\/lake\/kinds\.yaml\.$/);
});

Deno.test("ingest refuses another content type with 415", async () => {
  const test = testApp();
  for (const type of ["text/plain", "application/xml", "application/jsonp", ""]) {
    equal((await post(test, "{}", { type })).status, 415, type);
  }
  equal((await post(test, "{}", { type: "Application/JSON; charset=utf-8" })).status, 202);
  equal((await post(test, "{}", { headers: { "content-encoding": "gzip" } })).status, 415);
});

Deno.test("ingest stores nothing of what is over 5 MB or 10,000 events", async () => {
  const test = testApp();
  equal((await post(test, "x".repeat(5_242_881))).status, 413);
  equal((await post(test, "{}\n".repeat(10_001), { type: NDJSON })).status, 413);
  equal((await post(test, `[${"1,".repeat(10_000)}1]`)).status, 413);
  equal(test.records.length, 0);
  equal((await (await post(test, "{}\n".repeat(10_000), { type: NDJSON })).json()).accepted, 10_000);
});

Deno.test("ingest holds hostile JSON as data", async () => {
  const test = testApp();
  const lines = [
    '{"__proto__":{"polluted":1},"constructor":1,"":2}',
    "[".repeat(100_000) + "]".repeat(100_000),
    '{"amount":1e400}',
    '{"text":"\\ud800"}',
  ];
  const response = await post(test, lines.join("\n"), { type: NDJSON });
  const { accepted, rejected } = await response.json();
  equal(accepted, 4);
  deepEqual(rejected, [{ index: 1, reason: "too_deep" }, { index: 3, reason: "undecodable" }]);
  deepEqual(texts(test), lines);
  equal(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("ingest names its source by the token, and refuses a wrong one", async () => {
  const test = testApp({ INGEST_TOKENS: "shop=shop-token-1,till=till-token-1" });
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  equal((await post(test, "{}", bearer("till-token-1"))).status, 202);
  equal(test.records[0].headers.source, "till");
  equal((await post(test, "{}", bearer("till-token-2"))).status, 401);
  equal((await post(test, "{}", { headers: { authorization: "Basic dGlsbA==" } })).status, 401);
  equal((await post(test, "{}")).status, 401);
});

Deno.test("ingest without tokens on loopback is open, but not to a wrong token", async () => {
  const test = testApp();
  equal((await post(test, "{}")).status, 202);
  equal(test.records[0].headers.source, "token");
  equal((await post(test, "{}", { headers: { authorization: "Bearer guess" } })).status, 401);
});

Deno.test("ingest is closed to another Host and to pages of another origin", async () => {
  const test = testApp();
  equal((await post(test, "{}", { headers: { host: "evil.example" } })).status, 421);
  equal((await post(test, "{}", { headers: { origin: "https://evil.example" } })).status, 403);
  equal(
    (await post(test, "{}", { headers: { host: "localhost:8000", origin: "http://localhost:8000" } })).status,
    202,
  );
  equal(test.records.length, 1);
});

Deno.test("ingest counts events against the rate of their source alone", async () => {
  const clock = handClock();
  const test = testApp({
    INGEST_RATE_PER_SECOND: "10",
    INGEST_TOKENS: "shop=shop-token-1,till=till-token-1",
  }, { clock });
  const from = (token: string) => ({ type: NDJSON, headers: { authorization: `Bearer ${token}` } });
  equal((await post(test, "{}\n".repeat(30), from("shop-token-1"))).status, 202);
  const limited = await post(test, "{}", from("shop-token-1"));
  equal(limited.status, 429);
  equal(limited.headers.get("retry-after"), "2");
  equal((await post(test, "{}", from("till-token-1"))).status, 202);
  clock.advance(2_500);
  equal((await post(test, "{}", from("shop-token-1"))).status, 202);
});

Deno.test("ingest turns away who comes while all bodies together need too much memory", async () => {
  const clock = handClock();
  const test = testApp({}, { clock });
  const silent = () =>
    post(test, new ReadableStream<Uint8Array>({}), { headers: { "content-length": "5000000" } });
  const waiting = Array.from({ length: 60 }, silent);
  const busy = await waiting[59];
  equal(busy.status, 503);
  match(busy.headers.get("retry-after") ?? "", /^\d+$/);
  await new Promise((resolve) => setTimeout(resolve, 0));
  clock.advance(10_000);
  const statuses = (await Promise.all(waiting)).map(({ status }) => status);
  deepEqual(new Set(statuses), new Set([408, 503]));
  const again = Array.from({ length: 50 }, silent);
  await new Promise((resolve) => setTimeout(resolve, 0));
  clock.advance(10_000);
  for (const { status } of await Promise.all(again)) equal(status, 408);
});
