/**
 * Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=...]` over `t.body`, and what its payments mean.
 *
 * The key is the whole text of the secret, `whsec_` included. Only `v1` counts. Stripe changes `pending_webhooks`
 * between retries of one event, so copies are equal when their mapped rows are.
 */
import type { FieldFault } from "../errors.ts";
import { ExactNumber } from "../event/exact_json.ts";
import { fieldFault, isId, typeName } from "../event/field.ts";
import { isJsonObject, type JsonObject, valueAt } from "../event/json_text.ts";
import { bodyFault } from "../event/kind.ts";
import { currencyExponent, fromMinorUnits, readDecimal, unscaled } from "../event/money.ts";
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
import { textFault, typeFault } from "./enveloped.ts";
import type { HookRequest, Meaning, Message, Source } from "./source.ts";

const keys = keyring(textKey);

export const stripe: Source = {
  name: "stripe",
  limit_bytes: 1_048_576,
  trust: "webhook",
  is_mapped: true,
  kept_headers: [],
  secretFault: (secret) => textKey(secret) === null ? "is empty" : null,

  verify({ headers, body, now_ms }: HookRequest, secrets): boolean {
    const header = singleHeader(headers, "stripe-signature");
    const parts = header === null ? null : readHeader(header);
    if (parts === null || !isFresh(parts.time, 1000, now_ms)) return false;
    return anyMatches(keys(secrets, now_ms), parts.signatures, `${parts.time}.`, body);
  },

  interpret({ body }: Message): Meaning {
    if (!isJsonObject(body)) {
      return { meaning: "malformed", type: null, event_id: null, faults: [bodyFault(body)] };
    }
    const event_id = isId(body.id) ? body.id : null;
    const { type } = body;
    if (typeof type !== "string" || type === "") {
      return { meaning: "malformed", type: null, event_id, faults: [textFault("type", type)] };
    }
    const object = valueAt(body, "data", "object");
    const mapping = mappingOf(type, object);
    if (mapping === null) return { meaning: "unmapped", type, event_id };
    if (isJsonObject(object)) return mapping(body, object);
    const faults = [typeFault("data.object", "object", object)];
    const kind = mapping === statusChange ? "transaction_status" : "transaction";
    return { meaning: "malformed", type: kind, event_id, faults };
  },

  sample(id, now_ms) {
    const created = Math.floor(now_ms / 1000);
    const payment = {
      id: `pi_${id}`,
      object: "payment_intent",
      amount: 1999,
      currency: "eur",
      customer: "cus_sample",
    };
    const data = { object: { ...payment, status: "succeeded", payment_method_types: ["card"], created } };
    return {
      body: {
        id: `evt_${id}`,
        object: "event",
        type: "payment_intent.succeeded",
        created,
        pending_webhooks: 1,
        data,
      },
      headers: {},
    };
  },

  sign(body, { secret, now_ms }) {
    const time = Math.floor(now_ms / 1000);
    const digest = hmacSha256(hmacKey(new TextEncoder().encode(secret)), `${time}.`, body);
    return { "stripe-signature": `t=${time},v1=${digest.toHex()}` };
  },
};

/** The time and the `v1` signatures of the header; null when it is not of that form or holds too many. */
function readHeader(header: string): { time: string; signatures: Uint8Array[] } | null {
  let time: string | null = null;
  let schemes = 0;
  const signatures: Uint8Array[] = [];
  for (const part of header.split(",", MAX_SIGNATURES + 3)) {
    const at = part.indexOf("=");
    const [name, value] = [part.slice(0, at), part.slice(at + 1)];
    if (name === "t") {
      if (time !== null) return null;
      time = value;
      continue;
    }
    if (at < 1 || ++schemes > MAX_SIGNATURES) return null;
    const signature = name === "v1" ? hexDigest(value) : null;
    if (signature !== null) signatures.push(signature);
  }
  return time === null ? null : { time, signatures };
}

type Mapping = (body: JsonObject, object: JsonObject) => Meaning;

/** What becomes of a type, or null when no mapping names it. */
function mappingOf(type: string, object: unknown): Mapping | null {
  switch (type) {
    case "payment_intent.succeeded":
      return payment("completed");
    case "payment_intent.payment_failed":
      return payment("failed");
    case "payment_intent.canceled":
      return payment("reversed");
    case "charge.succeeded":
    case "charge.failed":
      // A charge that belongs to a payment intent is told by the intent's own events.
      if (idOf(valueAt(object, "payment_intent")) !== null) return null;
      return payment(type === "charge.succeeded" ? "completed" : "failed");
    case "refund.created":
      return refund;
    default:
      return type.startsWith("payment_intent.") ? statusChange : null;
  }
}

function payment(status: string): Mapping {
  return (body, object) => {
    const payment_id = idOf(object.id);
    return transaction(body, object, 1, {
      user_id: idOf(object.customer) ?? payment_id,
      transaction_id: payment_id,
      status,
      payment_method: textAt(object, "payment_method_details", "type") ??
        firstText(object.payment_method_types),
      country: textAt(object, "payment_method_details", "card", "country"),
    });
  };
}

const refund: Mapping = (body, object) => {
  const payment_id = idOf(object.payment_intent) ?? idOf(object.charge) ?? idOf(object.id);
  return transaction(body, object, -1, {
    user_id: idOf(object.customer) ?? payment_id,
    transaction_id: payment_id,
    status: "refunded",
    transaction_type: "refund",
  });
};

const statusChange: Mapping = (body, object) => {
  const payment_id = idOf(object.id);
  const time = seconds(body.created);
  const event = {
    event_id: body.id,
    timestamp: time.value,
    transaction_id: payment_id,
    status: object.status,
    previous_status: textAt(body, "data", "previous_attributes", "status"),
    user_id: idOf(object.customer) ?? payment_id,
  };
  return { meaning: "event", kind: "transaction_status", event, faults: time.faults };
};

function transaction(body: JsonObject, object: JsonObject, sign: 1 | -1, fields: JsonObject): Meaning {
  const time = seconds(body.created);
  const amount = majorUnits(object.amount, object.currency, sign);
  const event = {
    event_id: body.id,
    timestamp: time.value,
    amount: amount.value,
    currency: object.currency,
    ...fields,
  };
  return { meaning: "event", kind: "transaction", event, faults: [...time.faults, ...amount.faults] };
}

/** More than any amount has: whether it is one, the kind decides. */
const MAX_DIGITS = 40;

interface Converted {
  value: unknown;
  faults: readonly FieldFault[];
}

/** Stripe's seconds as our milliseconds; an absent value stays absent, for the kind to say so. */
function seconds(value: unknown): Converted {
  if (value === undefined || value === null) return { value, faults: [] };
  const actual = typeName(value);
  if (actual !== "integer") {
    return { value, faults: [{ field: "timestamp", code: "invalid_type", expected: "integer", actual }] };
  }
  return { value: Number(numberText(value)) * 1000, faults: [] };
}

/** Minor units over the currency's own exponent. With an unknown currency the amount says nothing, and is not judged. */
function majorUnits(value: unknown, currency: unknown, sign: 1 | -1): Converted {
  if (value === undefined || value === null) return { value, faults: [] };
  const actual = typeName(value);
  if (actual !== "integer") {
    return { value, faults: [{ field: "amount", code: "invalid_type", expected: "integer", actual }] };
  }
  const decimal = readDecimal(numberText(value));
  if (decimal === null || decimal.digits.length - decimal.scale > MAX_DIGITS) {
    return { value, faults: [fieldFault("amount", "out_of_range", "minor units of 10^14 at most", value)] };
  }
  const exponent = typeof currency === "string" ? currencyExponent(currency) ?? 0 : 0;
  const negative = decimal.negative === (sign === 1);
  return { value: fromMinorUnits(unscaled({ ...decimal, negative }, 0), exponent), faults: [] };
}

function numberText(value: unknown): string {
  return value instanceof ExactNumber ? value.text : String(value);
}

/** An id given as text, or inside the object that Stripe puts there when it was asked to expand it. */
function idOf(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  const id = valueAt(value, "id");
  return typeof id === "string" && id !== "" ? id : null;
}

function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = valueAt(value, ...path);
  return typeof found === "string" ? found : null;
}

function firstText(value: unknown): string | null {
  return Array.isArray(value) && typeof value[0] === "string" ? value[0] : null;
}
