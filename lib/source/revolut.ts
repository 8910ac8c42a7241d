/**
 * Revolut: `Revolut-Signature: v1=<hex>[,v1=...]` over `v1.<milliseconds>.<body>`, and what its transactions mean.
 *
 * Nothing in the request is a signed id, so the hash of the body is: a retry sends the same bytes.
 */
import type { FieldFault } from "../errors.ts";
import { sha256Hex } from "../event/content_hash.ts";
import { isJsonObject, type JsonObject, ownValue, valueAt } from "../event/json_text.ts";
import { bodyFault } from "../event/kind.ts";
import { textFault, typeFault } from "./enveloped.ts";
import {
  anyMatches,
  hexDigest,
  hmacKey,
  hmacSha256,
  isFresh,
  keyring,
  MAX_SIGNATURES,
  singleHeader,
  textKey,
} from "./signature.ts";
import type { HookRequest, Meaning, Message, Source } from "./source.ts";

const keys = keyring(textKey);

export const revolut: Source = {
  name: "revolut",
  limit_bytes: 1_048_576,
  trust: "webhook",
  is_mapped: true,
  kept_headers: ["revolut-request-timestamp"],
  secretFault: (secret) => textKey(secret) === null ? "is empty" : null,

  verify({ headers, body, now_ms }: HookRequest, secrets): boolean {
    const time = singleHeader(headers, "revolut-request-timestamp");
    const header = singleHeader(headers, "revolut-signature");
    if (time === null || header === null || !isFresh(time, 1, now_ms)) return false;
    const parts = header.split(",", MAX_SIGNATURES + 1);
    if (parts.length > MAX_SIGNATURES) return false;
    const signatures = parts.map((part) => part.startsWith("v1=") ? hexDigest(part.slice(3)) : null)
      .filter((digest) => digest !== null);
    return anyMatches(keys(secrets, now_ms), signatures, `v1.${time}.`, body);
  },

  interpret({ body, bytes }: Message): Meaning {
    const event_id = sha256Hex(bytes);
    if (!isJsonObject(body)) {
      return { meaning: "malformed", type: null, event_id, faults: [bodyFault(body)] };
    }
    const type = body.event;
    if (typeof type !== "string" || type === "") {
      return { meaning: "malformed", type: null, event_id, faults: [textFault("event", type)] };
    }
    const data = ownValue(body, "data");
    const mapping = type === "TransactionCreated"
      ? created
      : type === "TransactionStateChanged"
      ? changed
      : null;
    if (mapping === null) return { meaning: "unmapped", type, event_id };
    if (isJsonObject(data)) return mapping(body, data, event_id);
    const kind = mapping === created ? "transaction" : "transaction_status";
    return { meaning: "malformed", type: kind, event_id, faults: [typeFault("data", "object", data)] };
  },

  sample(id, now_ms) {
    const time = new Date(now_ms).toISOString();
    const leg = { leg_id: `leg_${id}`, account_id: "account_sample", amount: -19.99, currency: "GBP" };
    const data = { id: `tr_${id}`, type: "card_payment", state: "completed", created_at: time, legs: [leg] };
    return { body: { event: "TransactionCreated", timestamp: time, data }, headers: {} };
  },

  sign(body, { secret, now_ms }) {
    const digest = hmacSha256(hmacKey(new TextEncoder().encode(secret)), `v1.${now_ms}.`, body);
    return { "revolut-request-timestamp": String(now_ms), "revolut-signature": `v1=${digest.toHex()}` };
  },
};

/** Revolut's states as ours; any other is left to the kind to refuse. */
const STATUS: Readonly<Record<string, string>> = { created: "pending", reverted: "reversed" };

const TYPE: Readonly<Record<string, string>> = {
  atm: "withdrawal",
  card_payment: "purchase",
  card_refund: "refund",
  card_credit: "credit",
  refund: "refund",
  topup: "credit",
  topup_return: "debit",
  transfer: "transfer",
  exchange: "transfer",
  fee: "debit",
  tax: "debit",
};

/** The first leg tells the account and the amount, in major units and with its sign. */
function created(body: JsonObject, data: JsonObject, event_id: string): Meaning {
  const legs = ownValue(data, "legs");
  const leg = Array.isArray(legs) ? legs[0] : undefined;
  const faults: FieldFault[] = isJsonObject(leg)
    ? []
    : [typeFault("data.legs", "array with one leg at least", legs)];
  const event = {
    event_id,
    timestamp: body.timestamp ?? data.created_at,
    user_id: valueAt(leg, "account_id"),
    amount: valueAt(leg, "amount"),
    currency: valueAt(leg, "currency"),
    status: translate(STATUS, data.state),
    transaction_id: data.id,
    transaction_type: typeOf(data.type),
    merchant_name: textOf(valueAt(data, "merchant", "name")),
    merchant_category: textOf(valueAt(data, "merchant", "category_code")),
    country: countryOf(valueAt(data, "merchant", "country")),
  };
  return { meaning: "event", kind: "transaction", event, faults };
}

function changed(body: JsonObject, data: JsonObject, event_id: string): Meaning {
  const event = {
    event_id,
    timestamp: body.timestamp,
    transaction_id: data.id,
    status: data.new_state,
    previous_status: data.old_state,
  };
  return { meaning: "event", kind: "transaction_status", event, faults: [] };
}

function translate(words: Readonly<Record<string, string>>, value: unknown): unknown {
  return typeof value === "string" && Object.hasOwn(words, value) ? words[value] : value;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Revolut gives some countries with three letters; those are left out rather than refused. */
function countryOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z]{2}$/.test(value) ? value : undefined;
}

function typeOf(value: unknown): string | undefined {
  return typeof value === "string" && Object.hasOwn(TYPE, value) ? TYPE[value] : undefined;
}
