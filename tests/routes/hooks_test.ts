/** `POST /hooks/:source` acknowledges what is durable, and nothing that is not proven. */
import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { STRIPE_SECRET, stripeBody, stripeSignature } from "../stripe_sender.ts";
import { handClock, type TestApp, testApp } from "./test_app.ts";

const NOW_S = 1_800_000_000;

function payment(id: string): string {
  const about = { payment: `pi_${id}`, amount_minor: 1250, created_s: NOW_S, user: "cus_1" };
  return stripeBody({ id: `evt_${id}`, ...about });
}

interface Sending {
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  signed_s?: number;
  secret?: string;
  headers?: Record<string, string>;
  address?: string;
}

async function send({ app }: TestApp, sending: Sending = {}): Promise<Response> {
  const body = sending.body ?? payment("1");
  const signature: Record<string, string> = typeof body === "string"
    ? { "stripe-signature": stripeSignature(body, sending.signed_s ?? NOW_S, sending.secret) }
    : {};
  const headers = { "content-type": "application/json", ...signature, ...sending.headers };
  const remoteAddr = { hostname: sending.address ?? "203.0.113.9" };
  return await app.request("/hooks/stripe", { method: "POST", headers, body }, { remoteAddr });
}

Deno.test("hooks answers 202 with the event's id once the log has the bytes", async () => {
  const { promise: durable, resolve } = Promise.withResolvers<number[]>();
  const clock = handClock();
  const test = testApp({}, { clock, log: { append: () => durable } });
  let answered = false;
  const answer = send(test).finally(() => answered = true);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  equal(answered, false);
  resolve([0]);
  const response = await answer;
  equal(response.status, 202);
  deepEqual(await response.json(), { id: "evt_1" });
  notEqual(response.headers.get("x-request-id"), null);
});

Deno.test("hooks appends exactly the bytes received, under the verified source", async () => {
  const test = testApp({}, { clock: handClock() });
  const body = payment("1").replace("{", "{ \r\n");
  equal((await send(test, { body })).status, 202);
  const [record] = test.records;
  equal(new TextDecoder().decode(record.value), body);
  deepEqual(record.headers, { source: "stripe", content_type: "application/json", kind: "transaction" });
  equal(record.key, "cus_1");
  equal(record.received_at, NOW_S * 1000);
});

Deno.test("hooks hints at a duplicate and stores it all the same", async () => {
  const test = testApp({}, { clock: handClock() });
  await send(test);
  deepEqual(await (await send(test)).json(), { id: "evt_1", duplicate: true });
  equal(test.records.length, 2);
});

Deno.test("hooks refuses every forgery with one text and stores nothing", async () => {
  const test = testApp({}, { clock: handClock() });
  const body = payment("1");
  const good = stripeSignature(body, NOW_S);
  const forgeries: Sending[] = [
    { body: body + " ", headers: { "stripe-signature": good } },
    { secret: "whsec_another_secret" },
    { signed_s: NOW_S - 301 },
    { signed_s: NOW_S + 301 },
    { headers: { "stripe-signature": "" } },
    { headers: { "stripe-signature": good.replace("v1=", "v0=") } },
    { headers: { "stripe-signature": good.slice(0, -2) } },
    { headers: { "stripe-signature": `${good}, ${good}` } },
    { headers: { "stripe-signature": `t=NaN,v1=${good.split("v1=")[1]}` } },
    { headers: { "stripe-signature": `t=${NOW_S},${"v1=00,".repeat(200)}${good.split(",")[1]}` } },
    { body: new TextEncoder().encode("{}") },
  ];
  const texts = new Set<string>();
  for (const forgery of forgeries) {
    const response = await send(test, forgery);
    equal(response.status, 401, JSON.stringify(forgery));
    texts.add((await response.json()).detail);
  }
  equal(texts.size, 1);
  equal(test.records.length, 0);
});

Deno.test("hooks accepts a signature of 299 s ago and of 299 s ahead", async () => {
  const test = testApp({}, { clock: handClock() });
  equal((await send(test, { signed_s: NOW_S - 299 })).status, 202);
  equal((await send(test, { signed_s: NOW_S + 299 })).status, 202);
});

Deno.test("hooks takes what is signed but makes no sense", async () => {
  const test = testApp({}, { clock: handClock() });
  for (const body of ["not json", "[]", "{}", '{"__proto__":{"x":1}}', "\ufeff{}", "", "[".repeat(100_000)]) {
    equal((await send(test, { body })).status, 202, body.slice(0, 20));
  }
  equal(test.records.length, 7);
});

Deno.test("hooks answers 404 for a source that is unknown or has no secret", async () => {
  const test = testApp({ STRIPE_WEBHOOK_SECRET: "" }, { clock: handClock() });
  equal((await send(test)).status, 404);
  for (const name of ["nobody", "__proto__", "constructor", "token"]) {
    const response = await test.app.request(`/hooks/${name}`, { method: "POST", body: "{}" });
    equal(response.status, 404, name);
    equal(response.headers.get("content-type"), "application/problem+json");
  }
});

Deno.test("hooks refuses encoded bodies with 415 and large ones with 413, closing the connection", async () => {
  const test = testApp({}, { clock: handClock() });
  const gzip = await send(test, { headers: { "content-encoding": "gzip" } });
  equal(gzip.status, 415);
  equal(gzip.headers.get("connection"), "close");
  const declared = await send(test, { headers: { "content-length": "2000000" } });
  equal(declared.status, 413);
  equal(declared.headers.get("connection"), "close");
  const endless = new ReadableStream<Uint8Array>({ pull: (to) => to.enqueue(new Uint8Array(65_536)) });
  equal((await send(test, { body: endless })).status, 413);
  equal(test.records.length, 0);
});

Deno.test("hooks answers 408 to a body that does not come", async () => {
  const clock = handClock();
  const test = testApp({}, { clock });
  let cancelled = false;
  const silent = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
  const answer = send(test, { body: silent });
  await new Promise((resolve) => setTimeout(resolve, 0));
  clock.advance(10_000);
  const response = await answer;
  equal(response.status, 408);
  equal(response.headers.get("connection"), "close");
  await new Promise((resolve) => setTimeout(resolve, 5));
  equal(cancelled, true);
});

Deno.test("hooks answers 503 with Retry-After when nothing durable can be written", async () => {
  const away = new Fault("log_away", "Cannot append to the log: the broker is away", {
    blame: "dependency",
    retry: "after_backoff",
  });
  const test = testApp({}, { clock: handClock(), log: { append: () => Promise.reject(away) } });
  const response = await send(test);
  equal(response.status, 503);
  match(response.headers.get("retry-after") ?? "", /^\d+$/);
});

Deno.test("hooks counts verified requests by source, and strangers by address", async () => {
  const clock = handClock();
  const test = testApp({ HOOK_RATE_PER_SECOND: "5" }, { clock });
  const forged = { secret: "whsec_another_secret" };
  const statuses = [];
  for (let i = 0; i < 8; i++) statuses.push((await send(test, forged)).status);
  deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
  equal((await send(test, { ...forged, address: "198.51.100.1" })).status, 401);
  // The sender shares the stranger's address and is served.
  for (let i = 0; i < 5; i++) equal((await send(test)).status, 202);
  const limited = await send(test);
  equal(limited.status, 429);
  match(limited.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  clock.advance(1_000);
  equal((await send(test, { signed_s: NOW_S })).status, 202);
});

Deno.test("hooks keeps the rate among requests that come at once", async () => {
  const test = testApp({ HOOK_RATE_PER_SECOND: "5" }, { clock: handClock() });
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => send(test, { body: payment(`${i}`) })),
  );
  equal(answers.filter(({ status }) => status === 202).length, 5);
  equal(answers.filter(({ status }) => status === 429).length, 7);
  equal(test.records.length, 5);
});

Deno.test("hooks refuses more than 16 kB of header fields", async () => {
  const test = testApp({}, { clock: handClock() });
  equal((await send(test, { headers: { "x-junk": "a".repeat(17_000) } })).status, 431);
});

Deno.test("hooks is open to any Host and Origin, because it is signed", async () => {
  const test = testApp({}, { clock: handClock() });
  const headers = { host: "tunnel.example", origin: "https://tunnel.example" };
  equal((await send(test, { headers })).status, 202);
});

Deno.test("hooks never shows a secret, in answers, log lines or metrics", async () => {
  const leak = new Error(`broken: ${STRIPE_SECRET}`);
  const test = testApp({}, { clock: handClock(), log: { append: () => Promise.reject(leak) } });
  const response = await send(test);
  equal(response.status, 500);
  doesNotMatch(await response.text(), /whsec_test/);
  await send(test, { secret: "whsec_another_secret" });
  ok(test.lines.length > 0);
  doesNotMatch(test.lines.join("\n"), /whsec_test|whsec_another/);
  doesNotMatch(JSON.stringify(test.deps.metrics.merged()), /whsec/);
});
