import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { sha256Hex } from "../../lib/event/content_hash.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { describe } from "../../lib/source/describe.ts";
import { createSources } from "../../lib/source/sources.ts";

const sources = createSources();
const kinds = kindsOf();

function described(source: string, body: string, headers: Record<string, string> = {}) {
  return describe(sources.of(source), kinds, { source, ...headers }, new TextEncoder().encode(body));
}

Deno.test("describe keys a mapped body by its partition field", () => {
  const object = { id: "pi_1", amount: 1, currency: "eur", customer: "cus_1" };
  const body = JSON.stringify({
    id: "evt_1",
    type: "payment_intent.succeeded",
    created: 1,
    data: { object },
  });
  deepStrictEqual(described("stripe", body), {
    event_id: "evt_1",
    kind: "transaction",
    partition_key: "cus_1",
    rejected: null,
  });
});

Deno.test("describe keys by the event_id, then by the hash of the bytes", () => {
  strictEqual(described("stripe", '{"id":"evt_2","type":"customer.created"}').partition_key, "evt_2");
  deepStrictEqual(described("stripe", "no JSON"), {
    event_id: null,
    kind: null,
    partition_key: sha256Hex("no JSON"),
    rejected: "undecodable",
  });
  const deep = "[".repeat(65) + "]".repeat(65);
  strictEqual(described("stripe", deep).rejected, "too_deep");
  strictEqual(described("stripe", "{}").partition_key, sha256Hex("{}"));
  strictEqual(described("github", "{}").partition_key, sha256Hex("{}"));
});

Deno.test("describe gives an ingested body the key that splitting gives it", () => {
  const headers = { kind: "transaction" };
  strictEqual(described("token", '{"user_id":"u"}', headers).partition_key, "u");
  strictEqual(described("token", '{"user_id":5,"event_id":"e"}', headers).partition_key, "5");
  strictEqual(described("token", "5", headers).partition_key, sha256Hex("5"));
  strictEqual(described("token", "{", headers).kind, "transaction");
});
