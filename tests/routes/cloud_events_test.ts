/** CloudEvents come in three modes, after a handshake that calls nobody; redaction leaves nothing behind. */
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { kindsOf } from "../../lib/event/kinds.ts";
import { createSources } from "../../lib/source/sources.ts";
import { stripeBody, stripeSignature } from "../stripe_sender.ts";
import { handClock, type TestApp, testApp } from "./test_app.ts";

function withSources(file: string, redact_key: string | null = null): TestApp {
  const sources = createSources({ file, kinds: kindsOf(), redact_key });
  return testApp({}, { clock: handClock(), sources: () => sources });
}

const EVENT = {
  specversion: "1.0",
  id: "c1",
  source: "/shop",
  type: "shop.transaction",
  data: { user_id: "u1" },
};

async function post({ app }: TestApp, headers: Record<string, string>, body: string) {
  return await app.request("/ingest/cloudevents", { method: "POST", headers, body });
}

Deno.test("cloudevents takes structured, batched and binary events", async () => {
  const test = withSources("sources: {}");
  const structured = await post(
    test,
    { "content-type": "application/cloudevents+json" },
    JSON.stringify(EVENT),
  );
  equal(structured.status, 202);
  const batch = JSON.stringify([EVENT, { ...EVENT, id: "c2" }, 5]);
  const batched = await post(test, { "content-type": "application/cloudevents-batch+json" }, batch);
  deepEqual(await batched.json(), { accepted: 3, duplicates: 0, rejected: [] });
  const binary = await post(test, {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "c3",
    "ce-source": "/shop",
    "ce-type": "shop.transaction",
  }, '{"user_id":"u1"}');
  equal(binary.status, 202);
  equal(test.records.length, 5);
  deepEqual(new Set(test.records.map(({ headers }) => headers.source)), new Set(["cloud_events"]));
  equal(test.records[0].headers.kind, "transaction");
  equal(test.records[4].headers["ce-id"], "c3");
  equal(test.records[0].key, "u1");
});

Deno.test("cloudevents refuses what is none, and strangers", async () => {
  equal((await post(withSources("sources: {}"), { "content-type": "application/json" }, "{}")).status, 415);
  const closed = testApp({ INGEST_TOKENS: "shop=shop-token-1" });
  equal((await post(closed, { "content-type": "application/cloudevents+json" }, "{}")).status, 401);
});

Deno.test("cloudevents answers the handshake to origins that are listed", async () => {
  const test = withSources("sources:\n  cloud_events:\n    origins: [events.example]\n");
  const ask = (origin: string) =>
    test.app.request("/ingest/cloudevents", {
      method: "OPTIONS",
      headers: {
        "webhook-request-origin": origin,
        "webhook-request-rate": "120",
        "webhook-request-callback": "http://127.0.0.1:9/never",
      },
    });
  const granted = await ask("events.example");
  equal(granted.status, 200);
  equal(granted.headers.get("webhook-allowed-origin"), "events.example");
  match(granted.headers.get("webhook-allowed-rate") ?? "", /^\d+$/);
  const refused = await ask("evil.example");
  equal(refused.status, 403);
  equal(refused.headers.get("webhook-allowed-origin"), null);
});

Deno.test("a source that redacts leaves no value behind, in body, key or id", async () => {
  const test = withSources(
    "sources:\n  stripe:\n    redact: [data.object.customer]\n",
    "k".repeat(16),
  );
  const about = {
    id: "evt_1",
    payment: "pi_1",
    amount_minor: 100,
    created_s: 1_800_000_000,
    user: "cus_very_private",
  };
  const body = stripeBody(about);
  const response = await test.app.request("/hooks/stripe", {
    method: "POST",
    headers: { "stripe-signature": stripeSignature(body, 1_800_000_000) },
    body,
  });
  equal(response.status, 202);
  const [record] = test.records;
  doesNotMatch(new TextDecoder().decode(record.value), /very_private/);
  doesNotMatch(String(record.key), /very_private/);
  equal(record.headers.redacted, "true");
  match(record.headers.sha256, /^[0-9a-f]{64}$/);
  const broken = body.slice(0, -1);
  await test.app.request("/hooks/stripe", {
    method: "POST",
    headers: { "stripe-signature": stripeSignature(broken, 1_800_000_000) },
    body: broken,
  });
  equal(test.records[1].value.length, 0);
  equal(test.records[1].key, test.records[1].headers.sha256);
});
