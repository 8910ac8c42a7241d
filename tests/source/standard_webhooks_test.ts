import { strictEqual } from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { standardWebhooks } from "../../lib/source/standard_webhooks.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW_MS = 1_769_851_800_000;
const BODY = '{"type":"transaction"}';
const ID = "msg_1";

interface Request {
  family?: string;
  id?: string;
  signature: string;
  time?: string;
  secrets?: readonly string[];
  more?: Record<string, string>;
}

function accepts(
  { family = "webhook", id = ID, signature, time, secrets = [SECRET], more = {} }: Request,
): boolean {
  const headers = new Headers({
    [`${family}-id`]: id,
    [`${family}-timestamp`]: time ?? String(NOW_MS / 1000),
    [`${family}-signature`]: signature,
    ...more,
  });
  const keys = secrets.map((secret) => ({ secret, until_ms: null }));
  return standardWebhooks.verify({ headers, body: new TextEncoder().encode(BODY), now_ms: NOW_MS }, keys);
}

const signature = new Webhook(SECRET).sign(ID, new Date(NOW_MS), BODY);

Deno.test("standardWebhooks.verify takes what the reference library signed, under both families of names", () => {
  strictEqual(accepts({ signature }), true);
  strictEqual(accepts({ signature, family: "svix" }), true);
  strictEqual(accepts({ signature, secrets: [SECRET.slice("whsec_".length)] }), true);
  strictEqual(accepts({ signature: `v1,${btoa("x".repeat(32))} ${signature}` }), true);
  strictEqual(accepts({ signature: `v2,abc ${signature} v0,x` }), true);
});

Deno.test("standardWebhooks.verify takes one family of names only", () => {
  // The id that is kept must be the id that was signed.
  strictEqual(accepts({ signature, family: "svix", more: { "webhook-id": "other" } }), false);
  strictEqual(accepts({ signature, more: { "svix-id": "other" } }), true);
});

Deno.test("standardWebhooks.verify refuses an id with a dot shifted into the time", () => {
  const shifted = new Webhook(SECRET).sign("msg", new Date(NOW_MS), BODY);
  const seconds = String(NOW_MS / 1000);
  strictEqual(accepts({ signature: shifted, id: "msg" }), true);
  strictEqual(
    accepts({ signature: shifted, id: `msg.${seconds.slice(0, 4)}`, time: seconds.slice(4) }),
    false,
  );
  const dotted = new Webhook(SECRET).sign("msg.1", new Date(NOW_MS), BODY);
  strictEqual(accepts({ signature: dotted, id: "msg.1" }), false);
  for (const id of ["", "a b", "a,b", "é", "x".repeat(201)]) {
    const signed = new Webhook(SECRET).sign(id, new Date(NOW_MS), BODY);
    strictEqual(accepts({ signature: signed, id }), false, id);
  }
});

Deno.test("standardWebhooks.verify takes an ed25519 signature from a trusted public key alone", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x } = publicKey.export({ format: "jwk" });
  const raw = atob(String(x).replaceAll("-", "+").replaceAll("_", "/"));
  const trusted = `whpk_${btoa(raw)}`;
  const text = `${ID}.${NOW_MS / 1000}.${BODY}`;
  const signed = sign(null, new TextEncoder().encode(text), privateKey);
  const header = `v1a,${btoa(String.fromCharCode(...new Uint8Array(signed)))}`;
  strictEqual(accepts({ signature: header, secrets: [trusted] }), true);
  strictEqual(accepts({ signature: header, secrets: [SECRET, trusted] }), true);
  strictEqual(accepts({ signature: header }), false);
  strictEqual(accepts({ signature, secrets: [trusted] }), false);
  strictEqual(accepts({ signature: header.replace("v1a", "v1"), secrets: [trusted] }), false);
  const other = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x;
  const stranger = `whpk_${btoa(atob(String(other).replaceAll("-", "+").replaceAll("_", "/")))}`;
  strictEqual(accepts({ signature: header, secrets: [stranger] }), false);
  strictEqual(standardWebhooks.secretFault(trusted), null);
  strictEqual(typeof standardWebhooks.secretFault("whpk_abc"), "string");
  strictEqual(typeof standardWebhooks.secretFault("whsec_not base64"), "string");
  strictEqual(standardWebhooks.secretFault(SECRET), null);
});
