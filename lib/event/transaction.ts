/** Transactions: money that moved, or tried to. */
import type { Column } from "./column.ts";
import { defineKind } from "./kind.ts";

/** Filled by the stream from the rows before this one, per user and currency. */
const STATISTICS: readonly Column[] = [
  {
    name: "user_txn_count",
    type: "long",
    doc: "Earlier transactions of the user in this currency, late ones not counted.",
  },
  {
    name: "user_running_mean",
    type: "double",
    doc: "Mean amount of those earlier transactions; null when there are none.",
  },
  {
    name: "z_score",
    type: "double",
    doc:
      "Distance of the amount from that mean in standard deviations (at least 0.1); null below two earlier ones.",
  },
  {
    name: "is_anomaly",
    type: "boolean",
    doc: "At least ten earlier transactions and a z_score beyond 3 in either direction.",
  },
];

export const transaction = defineKind({
  name: "transaction",
  table: "transactions",
  doc: "Money that moved, or tried to.",
  partition: ["user_id"],
  fields: [
    {
      name: "user_id",
      alias: "account_id",
      type: "id",
      doc: "Whose transaction it is; account_id is taken where user_id is absent.",
    },
    {
      name: "amount",
      type: "amount",
      doc: "Amount in the currency's major unit, exactly as sent; negative for refunds.",
    },
    { name: "currency", type: "currency", doc: "ISO 4217 code, upper case." },
    {
      name: "status",
      type: "enum",
      values: ["pending", "completed", "approved", "failed", "declined", "reversed", "refunded"],
      doc: "State at the time of the event.",
    },
    {
      name: "transaction_id",
      type: "id",
      optional: true,
      doc: "The sender's id of the payment, shared by its later events.",
    },
    {
      name: "transaction_type",
      type: "enum",
      values: ["purchase", "withdrawal", "transfer", "refund", "debit", "credit"],
      optional: true,
      doc: "What sort of movement it is.",
    },
    { name: "merchant_id", type: "id", optional: true, doc: "Id of the merchant." },
    { name: "merchant_name", type: "text", optional: true, doc: "Name of the merchant." },
    { name: "merchant_category", type: "text", optional: true, doc: "Category of the merchant." },
    { name: "payment_method", type: "text", optional: true, doc: "How it was paid." },
    { name: "country", type: "country", optional: true, doc: "ISO 3166 two-letter country, upper case." },
    { name: "lat", type: "number", min: -90, max: 90, optional: true, doc: "Latitude in degrees." },
    { name: "lon", type: "number", min: -180, max: 180, optional: true, doc: "Longitude in degrees." },
    { name: "session_id", type: "id", optional: true, doc: "Session in which it happened." },
    { name: "device_id", type: "id", optional: true, doc: "Device from which it came." },
    { name: "ip", type: "text", optional: true, doc: "Network address from which it came." },
    { name: "is_international", type: "boolean", optional: true, doc: "Whether it crossed a border." },
  ],
  stream_columns: STATISTICS,
  example: {
    event_id: "evt_1001",
    timestamp: "2026-01-31T09:30:00.123Z",
    user_id: "user_42",
    amount: "19.99",
    currency: "EUR",
    status: "completed",
    transaction_id: "txn_1001",
    transaction_type: "purchase",
    merchant_id: "merchant_7",
    merchant_name: "Corner Shop",
    merchant_category: "groceries",
    payment_method: "card",
    country: "DE",
    lat: 52.52,
    lon: 13.405,
  },
});
