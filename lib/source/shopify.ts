/**
 * Shopify: `X-Shopify-Hmac-Sha256: <base64>` over the body alone.
 *
 * The webhook id and the topic are not signed, and no time is: the hash of the body is the id, and the headers are kept
 * as columns and trusted with nothing.
 */
import { sha256Hex } from "../event/content_hash.ts";
import { isJsonObject } from "../event/json_text.ts";
import { bodyFault } from "../event/kind.ts";
import {
  anyMatches,
  base64Digest,
  base64Text,
  hmacKey,
  hmacSha256,
  keyring,
  singleHeader,
  textKey,
} from "./signature.ts";
import type { HookRequest, Meaning, Message, Source } from "./source.ts";

const keys = keyring(textKey);

export const shopify: Source = {
  name: "shopify",
  limit_bytes: 1_048_576,
  trust: "webhook",
  is_mapped: false,
  kept_headers: [
    "x-shopify-topic",
    "x-shopify-webhook-id",
    "x-shopify-event-id",
    "x-shopify-shop-domain",
    "x-shopify-api-version",
    "x-shopify-triggered-at",
  ],
  secretFault: (secret) => textKey(secret) === null ? "is empty" : null,

  verify({ headers, body, now_ms }: HookRequest, secrets): boolean {
    const header = singleHeader(headers, "x-shopify-hmac-sha256");
    const signature = header === null ? null : base64Digest(header);
    return signature !== null && anyMatches(keys(secrets, now_ms), [signature], body);
  },

  interpret({ headers, body, bytes }: Message): Meaning {
    const event_id = sha256Hex(bytes);
    const type = headers["x-shopify-topic"] ?? null;
    if (!isJsonObject(body)) return { meaning: "malformed", type, event_id, faults: [bodyFault(body)] };
    return { meaning: "unmapped", type, event_id };
  },

  sample(id, now_ms) {
    return {
      body: { id, created_at: new Date(now_ms).toISOString(), total_price: "19.99", currency: "EUR" },
      headers: { "x-shopify-topic": "orders/create", "x-shopify-webhook-id": id },
    };
  },

  sign(body, { secret }) {
    const digest = hmacSha256(hmacKey(new TextEncoder().encode(secret)), body);
    return { "x-shopify-hmac-sha256": base64Text(digest) };
  },
};
