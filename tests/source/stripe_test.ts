import { strictEqual } from "node:assert/strict";
import Stripe from "stripe";
import { stripe } from "../../lib/source/stripe.ts";

const SECRET = "whsec_test_secret";
const NOW_S = 1_769_851_800;
const PAYLOAD = '{"id":"evt_1","type":"payment_intent.succeeded"}';
const keys = [{ secret: SECRET, until_ms: null }];

function header(timestamp: number, secret = SECRET, payload = PAYLOAD): Promise<string> {
  return Stripe.webhooks.generateTestHeaderStringAsync({ payload, secret, timestamp });
}

function accepts(signature: string, options: { body?: string; secrets?: typeof keys } = {}): boolean {
  const { body = PAYLOAD, secrets = keys } = options;
  const headers = new Headers({ "stripe-signature": signature });
  return stripe.verify({ headers, body: new TextEncoder().encode(body), now_ms: NOW_S * 1000 }, secrets);
}

Deno.test("stripe.verify accepts what Stripe's own library signed, within five minutes", async () => {
  strictEqual(accepts(await header(NOW_S)), true);
  strictEqual(accepts(await header(NOW_S - 299)), true);
  strictEqual(accepts(await header(NOW_S + 299)), true);
  strictEqual(accepts(await header(NOW_S - 301)), false);
  strictEqual(accepts(await header(NOW_S + 301)), false);
});

Deno.test("stripe.verify refuses a changed body and another's secret", async () => {
  strictEqual(accepts(await header(NOW_S), { body: PAYLOAD + "\n" }), false);
  strictEqual(accepts(await header(NOW_S, "whsec_other")), false);
  strictEqual(accepts(await header(NOW_S), { secrets: [] }), false);
});
