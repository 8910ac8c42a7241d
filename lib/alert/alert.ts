/** An alert: what a rule saw at an event, as a row of `analytics.alerts` under an id that every replay gives again. */
import { hash } from "node:crypto";
import type { Cell, Column, Row } from "../event/column.ts";

export const SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type Severity = typeof SEVERITIES[number];

export const ALERTS = "analytics.alerts";

/** Numbers behind an alert; those that its rule does not know are null. */
export interface AlertContext {
  suppressed: number;
  amount: string | null;
  currency: string | null;
  z_score: number | null;
  limit: number | null;
  count: number | null;
  window_ms: number | null;
  mean: number | null;
  distance_km: number | null;
  speed_kmh: number | null;
  other_event_id: string | null;
  local_time: string | null;
  field: string | null;
}

const CONTEXT_COLUMNS: readonly Column[] = [
  {
    name: "suppressed",
    type: "long",
    doc: "Firings held back by the cool-down since the rule's last alert for this key.",
  },
  { name: "amount", type: "decimal(18, 4)", doc: "Amount of the transaction." },
  { name: "currency", type: "string", doc: "Its currency." },
  { name: "z_score", type: "double", doc: "How far the amount is from the user's mean, in deviations." },
  { name: "limit", type: "double", doc: "The limit that was passed." },
  { name: "count", type: "long", doc: "How many events or values were found." },
  { name: "window_ms", type: "long", doc: "Length of time in which they were found." },
  { name: "mean", type: "double", doc: "Mean amount of the earlier transactions." },
  { name: "distance_km", type: "double", doc: "Distance between the two places." },
  { name: "speed_kmh", type: "double", doc: "Speed that would have been needed." },
  { name: "other_event_id", type: "string", doc: "The event at the other place." },
  { name: "local_time", type: "string", doc: "Time of day in the rule's time zone." },
  { name: "field", type: "string", doc: "The field whose values were counted." },
];

const NO_CONTEXT: AlertContext = {
  suppressed: 0,
  amount: null,
  currency: null,
  z_score: null,
  limit: null,
  count: null,
  window_ms: null,
  mean: null,
  distance_km: null,
  speed_kmh: null,
  other_event_id: null,
  local_time: null,
  field: null,
};

export const ALERT_COLUMNS: readonly Column[] = [
  {
    name: "alert_id",
    type: "string",
    doc: "Hash of rule, key, source and event_id; also the webhook-id of what is sent.",
  },
  { name: "rule", type: "string", doc: "Name of the rule." },
  { name: "rule_version", type: "string", doc: "Version of the rules that were in force." },
  { name: "severity", type: "string", doc: "low, medium, high or critical." },
  {
    name: "key",
    type: "string",
    doc: "Whose events the rule looked at: the user, for amounts with the currency.",
  },
  { name: "user_id", type: "string", doc: "The user, where the event has one." },
  { name: "source", type: "string", doc: "Source of the event at which the rule fired." },
  { name: "event_id", type: "string", doc: "That event's id." },
  { name: "log_partition", type: "int", doc: "Its partition of the log." },
  { name: "log_offset", type: "long", doc: "Its offset." },
  { name: "event_time", type: "timestamp", doc: "Its event time." },
  { name: "detected_at", type: "timestamp", doc: "Log time of the event: when the alert could be known." },
  { name: "description", type: "string", doc: "One sentence for people." },
  {
    name: "trigger_event_ids",
    type: { list: "string" },
    doc: "The events that belong to it, the one that fired last.",
  },
  { name: "context", type: { struct: CONTEXT_COLUMNS }, doc: "The numbers behind it." },
];

export interface AlertFacts {
  rule: string;
  rule_version: string;
  severity: Severity;
  /** For people and for the id. */
  key: string;
  user_id: string | null;
  source: string;
  event_id: string;
  log_partition: number;
  log_offset: number;
  event_time: string;
  detected_at: string;
  description: string;
  trigger_event_ids: readonly string[];
  context: Partial<AlertContext>;
}

/** The same for the same rule, key, source and event, whatever else changes. 32 hex digits. */
export function alertId(rule: string, key: string, source: string, event_id: string): string {
  return hash("sha256", JSON.stringify([rule, key, source, event_id]), "hex").slice(0, 32);
}

export function alertRow(facts: AlertFacts): Row {
  const context: Readonly<Record<string, Cell>> = { ...NO_CONTEXT, ...facts.context };
  return {
    alert_id: alertId(facts.rule, facts.key, facts.source, facts.event_id),
    rule: facts.rule,
    rule_version: facts.rule_version,
    severity: facts.severity,
    key: facts.key,
    user_id: facts.user_id,
    source: facts.source,
    event_id: facts.event_id,
    log_partition: facts.log_partition,
    log_offset: facts.log_offset,
    event_time: facts.event_time,
    detected_at: facts.detected_at,
    description: facts.description,
    trigger_event_ids: facts.trigger_event_ids,
    context,
  };
}
