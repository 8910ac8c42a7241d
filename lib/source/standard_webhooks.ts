/**
 * Standard Webhooks, and Svix with its own header names: `v1,<base64>` over `id.timestamp.body`, ids without dots.
 *
 * A secret is base64 after `whsec_`; one that begins with `whpk_` is an ed25519 public key and trusts `v1a` signatures.
 * The webhook-id is signed, so it is the event's id where the data has none of its own.
 */
import { createPublicKey, type KeyObject, verify as verifySignature } from "node:crypto";
import type { WebhookSecret } from "../setting_parts.ts";
import { isId } from "../event/field.ts";
import { isJsonObject, ownValue } from "../event/json_text.ts";
import { bodyFault } from "../event/kind.ts";
import { meaningOfEnvelope } from "./enveloped.ts";
import {
  anyMatches,
  base64Digest,
  base64Text,
  hmacKey,
  hmacSha256,
  isFresh,
  keyring,
  MAX_KEYS,
  MAX_SIGNATURES,
  singleHeader,
  strictBase64,
} from "./signature.ts";
import type { HookRequest, Meaning, Message, Source } from "./source.ts";

const HMAC_PREFIX = "whsec_";
const PUBLIC_PREFIX = "whpk_";
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

const keys = keyring(hmacKeyBytes);

export const standardWebhooks: Source = {
  name: "standard_webhooks",
  limit_bytes: 1_048_576,
  trust: "webhook",
  is_mapped: true,
  kept_headers: ["webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp"],

  secretFault(secret) {
    const key = secret.startsWith(PUBLIC_PREFIX) ? publicKey(secret) : hmacKeyBytes(secret);
    return key === null ? "is not base64 after whsec_ (or an ed25519 key after whpk_)" : null;
  },

  verify({ headers, body, now_ms }: HookRequest, secrets): boolean {
    // Only one family of headers counts, so that the id that is kept is the id that was signed.
    const family = headers.has("webhook-id") ? "webhook" : "svix";
    const id = singleHeader(headers, `${family}-id`);
    const time = singleHeader(headers, `${family}-timestamp`);
    const header = singleHeader(headers, `${family}-signature`);
    if (id === null || time === null || header === null) return false;
    if (!/^[\x21-\x2b\x2d\x2f-\x7e]{1,200}$/.test(id) || !isFresh(time, 1000, now_ms)) return false;
    const signatures = readHeader(header);
    if (signatures === null) return false;
    const prefix = `${id}.${time}.`;
    const by_hmac = anyMatches(keys(secrets, now_ms), signatures.v1, prefix, body);
    const by_public_key = signatures.v1a.length > 0 &&
      anyPublicKeyMatches(secrets, now_ms, signatures.v1a, prefix, body);
    return by_hmac || by_public_key;
  },

  interpret({ headers, body, kinds }: Message): Meaning {
    const sent_id = headers["webhook-id"] ?? headers["svix-id"] ?? null;
    const event_id = isId(sent_id) ? sent_id : null;
    if (!isJsonObject(body)) {
      return { meaning: "malformed", type: null, event_id, faults: [bodyFault(body)] };
    }
    const { type, timestamp } = body;
    return meaningOfEnvelope({ type, data: ownValue(body, "data"), event_id, timestamp }, kinds);
  },

  sample(id, now_ms) {
    const timestamp = new Date(now_ms).toISOString();
    const data = { user_id: "user_sample", amount: "19.99", currency: "EUR", status: "completed" };
    return {
      body: { type: "shop.transaction", timestamp, data: { event_id: `evt_${id}`, ...data } },
      headers: {},
    };
  },

  sign(body, { secret, now_ms, id }) {
    const key = hmacKeyBytes(secret);
    if (key === null) return null;
    const time = String(Math.floor(now_ms / 1000));
    const digest = hmacSha256(hmacKey(key), `msg_${id}.${time}.`, body);
    return {
      "webhook-id": `msg_${id}`,
      "webhook-timestamp": time,
      "webhook-signature": `v1,${base64Text(digest)}`,
    };
  },
};

/** Key bytes of `whsec_<base64>`, the prefix optional; null for anything else. */
export function hmacKeyBytes(secret: string): Uint8Array | null {
  if (secret.startsWith(PUBLIC_PREFIX)) return null;
  const text = secret.startsWith(HMAC_PREFIX) ? secret.slice(HMAC_PREFIX.length) : secret;
  return text === "" ? null : strictBase64(text);
}

interface Signatures {
  v1: Uint8Array[];
  v1a: Uint8Array[];
}

function readHeader(header: string): Signatures | null {
  const parts = header.split(" ", MAX_SIGNATURES + 1);
  if (parts.length > MAX_SIGNATURES) return null;
  const signatures: Signatures = { v1: [], v1a: [] };
  for (const part of parts) {
    const at = part.indexOf(",");
    const [version, text] = [part.slice(0, at), part.slice(at + 1)];
    if (version === "v1") {
      const digest = base64Digest(text);
      if (digest !== null) signatures.v1.push(digest);
    } else if (version === "v1a") {
      const bytes = strictBase64(text);
      if (bytes?.length === SIGNATURE_BYTES) signatures.v1a.push(bytes);
    }
  }
  return signatures;
}

function anyPublicKeyMatches(
  secrets: readonly WebhookSecret[],
  now_ms: number,
  signatures: readonly Uint8Array[],
  prefix: string,
  body: Uint8Array,
): boolean {
  const signed = new Uint8Array(prefix.length + body.length);
  signed.set(new TextEncoder().encode(prefix));
  signed.set(body, prefix.length);
  let found = false;
  for (const { secret, until_ms } of secrets.slice(0, MAX_KEYS)) {
    if (!secret.startsWith(PUBLIC_PREFIX) || (until_ms !== null && now_ms >= until_ms)) continue;
    const key = publicKey(secret);
    if (key === null) continue;
    for (const signature of signatures) if (verifySignature(null, signed, key, signature)) found = true;
  }
  return found;
}

function publicKey(secret: string): KeyObject | null {
  const bytes = strictBase64(secret.slice(PUBLIC_PREFIX.length));
  if (bytes?.length !== PUBLIC_KEY_BYTES) return null;
  const x = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}
