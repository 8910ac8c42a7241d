/** Attempts to send alerts, as rows of `analytics.deliveries`. */
import type { Row } from "../event/column.ts";
import type { TableSpec } from "../lake/tables.ts";

/** refused: not asked, and not asked again. */
export type DeliveryOutcome = "sent" | "failed" | "refused";

export interface Attempt {
  alert_id: string;
  target: string;
  attempt: number;
  outcome: DeliveryOutcome;
  status: number | null;
  reason: string | null;
  /** Milliseconds since 1970. */
  attempted_at: number;
  took_ms: number;
}

export const DELIVERIES: TableSpec = {
  key: "analytics.deliveries",
  doc: "Every attempt to send an alert to a webhook.",
  columns: [
    { name: "alert_id", type: "string", doc: "The alert; the webhook-id of the request." },
    { name: "target", type: "string", doc: "Name of the webhook in alerts.yaml." },
    { name: "attempt", type: "int", doc: "Which try it was, from 1." },
    { name: "outcome", type: "string", doc: "sent, failed or refused." },
    { name: "status", type: "int", doc: "HTTP status of the answer, where there was one." },
    { name: "reason", type: "string", doc: "Why it was not sent." },
    { name: "attempted_at", type: "timestamp", doc: "When it began." },
    { name: "took_ms", type: "long", doc: "How long it took." },
  ],
  day_column: "attempted_at",
  order_by: ["alert_id", "attempted_at"],
};

export function deliveryRow({ attempted_at, ...attempt }: Attempt): Row {
  return { ...attempt, attempted_at: new Date(attempted_at).toISOString().replace("Z", "") };
}
