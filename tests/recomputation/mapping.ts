/** What senders' bodies mean by EVENTS.md section 2, written a second time: an event of a kind, unmapped, or malformed. */
import { isObject, type Json, Num } from "./fields.ts";

export type Event = { [key: string]: Json };
export type Mapped =
  | { kind: string; event: Event }
  | { unmapped: string | null; event_id: string | null }
  | { malformed: string | null; event_id: string | null };

export interface RawRecord {
  source: string;
  kind: string | null;
  sha256: string;
  headers: Readonly<Record<string, string>>;
}

const EXPONENT: Readonly<Record<string, number>> = { JPY: 0, KWD: 3 };

const at = (value: Json | undefined, ...path: string[]): Json =>
  path.reduce<Json>((inner, key) => isObject(inner) ? inner[key] ?? null : null, value ?? null);
const textAt = (value: Json | undefined, ...path: string[]): string | null => {
  const found = at(value, ...path);
  return typeof found === "string" ? found : null;
};

export function mapped(body: Json, record: RawRecord): Mapped {
  switch (record.source) {
    case "stripe":
      return stripe(body);
    case "revolut":
      return revolut(body, record.sha256);
    case "standard_webhooks":
      return enveloped(body, record.headers["webhook-id"], textAt(body, "timestamp"));
    case "cloud_events":
      return enveloped(body, textAt(body, "id"), textAt(body, "time"));
    case "github":
      return { unmapped: record.headers["x-github-event"], event_id: record.sha256 };
    case "shopify":
      return { unmapped: record.headers["x-shopify-topic"], event_id: record.sha256 };
    default: {
      const kind = record.kind ?? "transaction";
      if (!isObject(body)) return { malformed: kind, event_id: null };
      return kind === "event"
        ? { unmapped: kind, event_id: textAt(body, "event_id") }
        : { kind, event: body };
    }
  }
}

function minor(amount: Json, currency: Json, sign: 1 | -1): Json {
  if (!(amount instanceof Num) || typeof currency !== "string") return amount;
  return new Num(`${sign < 0 ? "-" : ""}${amount.text}e-${EXPONENT[currency.toUpperCase()] ?? 2}`);
}

function stripe(body: Json): Mapped {
  const type = textAt(body, "type");
  const event_id = textAt(body, "id");
  if (type === null) return { malformed: null, event_id };
  const object = at(body, "data", "object");
  const created = at(body, "created");
  const common = { event_id, timestamp: created instanceof Num ? new Num(`${created.text}e3`) : created };
  const payment = textAt(object, "id");
  const user_id = textAt(object, "customer") ?? payment;
  const money = (sign: 1 | -1) => ({
    amount: minor(at(object, "amount"), at(object, "currency"), sign),
    currency: at(object, "currency"),
  });
  const paid = (status: string): Mapped => ({
    kind: "transaction",
    event: {
      ...common,
      ...money(1),
      user_id,
      transaction_id: payment,
      status,
      payment_method: textAt(object, "payment_method_details", "type") ??
        (at(object, "payment_method_types") as Json[] | null)?.[0] ?? null,
    },
  });
  if (type === "payment_intent.succeeded") return paid("completed");
  if (type === "payment_intent.payment_failed") return paid("failed");
  if (type === "payment_intent.canceled") return paid("reversed");
  const isAlone = at(object, "payment_intent") === null;
  if (type === "charge.succeeded" && isAlone) return paid("completed");
  if (type === "charge.failed" && isAlone) return paid("failed");
  if (type === "refund.created") {
    const transaction_id = textAt(object, "payment_intent") ?? payment;
    return {
      kind: "transaction",
      event: {
        ...common,
        ...money(-1),
        user_id: transaction_id,
        transaction_id,
        status: "refunded",
        transaction_type: "refund",
      },
    };
  }
  if (!type.startsWith("payment_intent.")) return { unmapped: type, event_id };
  const previous_status = textAt(body, "data", "previous_attributes", "status");
  return {
    kind: "transaction_status",
    event: { ...common, transaction_id: payment, status: at(object, "status"), previous_status, user_id },
  };
}

function revolut(body: Json, event_id: string): Mapped {
  const type = textAt(body, "event");
  const data = at(body, "data");
  if (type === "TransactionStateChanged") {
    const event = {
      event_id,
      timestamp: at(body, "timestamp"),
      transaction_id: at(data, "id"),
      status: at(data, "new_state"),
      previous_status: at(data, "old_state"),
    };
    return { kind: "transaction_status", event };
  }
  if (type !== "TransactionCreated") return { unmapped: type, event_id };
  const leg = (at(data, "legs") as Json[] | null)?.[0];
  const types: Record<string, string> = { card_payment: "purchase", topup: "credit", atm: "withdrawal" };
  return {
    kind: "transaction",
    event: {
      event_id,
      timestamp: at(body, "timestamp"),
      user_id: at(leg, "account_id"),
      amount: at(leg, "amount"),
      currency: at(leg, "currency"),
      status: at(data, "state"),
      transaction_id: at(data, "id"),
      transaction_type: types[textAt(data, "type") ?? ""] ?? null,
    },
  };
}

function enveloped(body: Json, id: string | null, time: string | null): Mapped {
  const type = textAt(body, "type");
  if (type === null) return { malformed: null, event_id: id };
  const kind = type.split(".").at(-1)!;
  if (!["transaction", "clickstream"].includes(kind)) return { unmapped: type, event_id: id };
  const data = at(body, "data");
  if (!isObject(data)) return { malformed: kind, event_id: id };
  return { kind, event: { ...data, event_id: data.event_id ?? id, timestamp: data.timestamp ?? time } };
}
