/**
 * GitHub: `X-Hub-Signature-256: sha256=<hex>` over the body alone.
 *
 * Neither the delivery id nor the event name is signed, and no time is: so the hash of the body is the id, which makes
 * a replay of any age a duplicate, and the other headers are kept as columns and trusted with nothing.
 */
import { sha256Hex } from "../event/content_hash.ts";
import { isJsonObject } from "../event/json_text.ts";
import { bodyFault } from "../event/kind.ts";
import { anyMatches, hexDigest, hmacKey, hmacSha256, keyring, singleHeader, textKey } from "./signature.ts";
import type { HookRequest, Meaning, Message, Source } from "./source.ts";

const PREFIX = "sha256=";
const keys = keyring(textKey);

export const github: Source = {
  name: "github",
  limit_bytes: 5_242_880,
  trust: "webhook",
  is_mapped: false,
  kept_headers: ["x-github-delivery", "x-github-event", "x-github-hook-id"],
  secretFault: (secret) => textKey(secret) === null ? "is empty" : null,

  verify({ headers, body, now_ms }: HookRequest, secrets): boolean {
    const header = singleHeader(headers, "x-hub-signature-256");
    const signature = header?.startsWith(PREFIX) ? hexDigest(header.slice(PREFIX.length)) : null;
    return signature !== null && anyMatches(keys(secrets, now_ms), [signature], body);
  },

  interpret({ headers, body, bytes }: Message): Meaning {
    const event_id = sha256Hex(bytes);
    const type = headers["x-github-event"] ?? null;
    if (!isJsonObject(body)) return { meaning: "malformed", type, event_id, faults: [bodyFault(body)] };
    return { meaning: "unmapped", type, event_id };
  },

  sample(id) {
    return {
      body: { ref: "refs/heads/main", after: id, repository: { full_name: "example/repository" } },
      headers: { "x-github-event": "push", "x-github-delivery": id },
    };
  },

  sign(body, { secret }) {
    const digest = hmacSha256(hmacKey(new TextEncoder().encode(secret)), body);
    return { "x-hub-signature-256": PREFIX + digest.toHex() };
  },
};
