/** Transaction statuses: later news of a transaction, without its amount. */
import { defineKind } from "./kind.ts";

export const transactionStatus = defineKind({
  name: "transaction_status",
  table: "transaction_statuses",
  doc: "Later news of a transaction.",
  partition: ["transaction_id"],
  fields: [
    { name: "transaction_id", type: "id", doc: "The transaction that changed." },
    { name: "status", type: "text", doc: "Its status now, in the sender's words." },
    {
      name: "previous_status",
      type: "text",
      optional: true,
      doc: "Its status before, in the sender's words.",
    },
    { name: "user_id", type: "id", optional: true, doc: "Whose transaction it is." },
  ],
  example: {
    event_id: "evt_2001",
    timestamp: "2026-01-31T09:31:00Z",
    transaction_id: "txn_1001",
    status: "completed",
    previous_status: "pending",
  },
});
