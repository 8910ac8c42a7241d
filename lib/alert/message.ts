/** An alert as the request that tells of it: plain or Slack-shaped, signed by Standard Webhooks with the alert's id. */
import { hmacKey, hmacSha256 } from "../source/signature.ts";
import { hmacKeyBytes } from "../source/standard_webhooks.ts";
import { Fault } from "../errors.ts";
import type { AlertRoute } from "./route.ts";

/** A row of `analytics.alerts` as it stands on the topic. */
export interface SentAlert {
  alert_id: string;
  rule: string;
  severity: string;
  description: string;
  user_id: string | null;
  event_time: string;
  row: Readonly<Record<string, unknown>>;
}

/** null for a value that is no alert of ours. */
export function readAlert(value: Uint8Array | null): SentAlert | null {
  let row: unknown;
  try {
    row = JSON.parse(new TextDecoder().decode(value ?? new Uint8Array()));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof row !== "object" || row === null) return null;
  const cells: Readonly<Record<string, unknown>> = { ...row };
  const { alert_id, rule, severity, description, user_id, event_time } = cells;
  // Ids go into headers.
  if (typeof alert_id !== "string" || !/^[0-9a-f]{32}$/.test(alert_id)) return null;
  if (typeof rule !== "string" || typeof severity !== "string") return null;
  return {
    alert_id,
    rule,
    severity,
    description: String(description ?? ""),
    user_id: typeof user_id === "string" ? user_id : null,
    event_time: `${event_time}Z`,
    row: cells,
  };
}

export interface WebhookMessage {
  body: Uint8Array;
  headers: Readonly<Record<string, string>>;
}

/**
 * `now` in milliseconds; the signature holds for this moment. Without a secret only chats are told, which check none; a
 * Fault `secret_refused` for others.
 */
export function webhookMessage(
  alert: SentAlert,
  route: AlertRoute,
  { secret, now }: { secret: string | null; now: number },
): WebhookMessage {
  const body = new TextEncoder().encode(
    JSON.stringify(route.body === "slack" ? slackBody(alert) : plainBody(alert)),
  );
  const timestamp = String(Math.floor(now / 1000));
  const headers = {
    "content-type": "application/json",
    "user-agent": "millrace",
    "webhook-id": alert.alert_id,
    "webhook-timestamp": timestamp,
  };
  if (secret === null && route.body === "slack") return { body, headers };
  const signature = hmacSha256(keyOf(secret), `${alert.alert_id}.${timestamp}.`, body);
  return {
    body,
    headers: { ...headers, "webhook-signature": `v1,${btoa(String.fromCharCode(...signature))}` },
  };
}

function keyOf(secret: string | null) {
  const bytes = secret === null ? null : hmacKeyBytes(secret);
  if (bytes) return hmacKey(bytes);
  const state = secret === null ? "is not set" : "is not base64 after whsec_";
  throw new Fault("secret_refused", `Cannot sign alerts: ALERT_WEBHOOK_SECRET ${state}`, {
    blame: "us",
    retry: "after_refresh",
  });
}

function plainBody({ row, event_time }: SentAlert) {
  return { type: "alert.raised", timestamp: event_time, data: { ...row, ...withZone(row) } };
}

/** Cells are in UTC and do not say so; outside, a time does. */
function withZone(row: SentAlert["row"]): Record<string, string> {
  const times = ["event_time", "detected_at"].flatMap((name): [string, string][] => {
    const cell = row[name];
    return typeof cell === "string" && !cell.endsWith("Z") ? [[name, `${cell}Z`]] : [];
  });
  return Object.fromEntries(times);
}

function slackBody({ rule, severity, description, user_id, event_time }: SentAlert) {
  const who = user_id === null ? "" : ` · ${plainText(user_id)}`;
  const text = `*${severity.toUpperCase()}* ${plainText(rule)}: ${plainText(description)}`;
  return {
    text,
    blocks: [
      { type: "section", text: { type: "mrkdwn", text } },
      { type: "context", elements: [{ type: "mrkdwn", text: `${event_time}${who}` }] },
    ],
  };
}

/** What Slack would read as markup or as a mention, from a text that a stranger chose. */
function plainText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
