/**
 * That a check of data quality failed: a control record `quality` of the log, as an alert. What goes on failing is one
 * alert a day (of log time) for each check and subject.
 */
import { z } from "zod";
import type { Row } from "../event/column.ts";
import { timestampCell } from "../event/timestamp.ts";
import { alertId, alertRow, SEVERITIES } from "./alert.ts";

const RULE_PREFIX = "quality.";

/** The body of the record. */
export const QualityFinding = z.looseObject({
  check: z.string().min(1),
  /** What was looked at: a table, a source, a column. */
  subject: z.string(),
  severity: z.enum(SEVERITIES),
  /** Hash of the check's text. */
  version: z.string(),
  description: z.string(),
});
export type QualityFinding = z.infer<typeof QualityFinding>;

/** Whose alerts are one a day. */
export function qualityKey({ check, subject }: QualityFinding): string {
  return JSON.stringify([check, subject]);
}

export function dayOf(received_at: number): string {
  return timestampCell(received_at).slice(0, 10);
}

/** The same all day. */
export function qualityAlertId(finding: QualityFinding, source: string, received_at: number): string {
  return alertId(RULE_PREFIX + finding.check, finding.subject, source, eventId(finding, received_at));
}

export function qualityAlertRow(
  finding: QualityFinding,
  place: { source: string; partition: number; offset: number; received_at: number },
): Row {
  const moment = timestampCell(place.received_at);
  return alertRow({
    rule: RULE_PREFIX + finding.check,
    rule_version: finding.version,
    severity: finding.severity,
    key: finding.subject,
    user_id: null,
    source: place.source,
    event_id: eventId(finding, place.received_at),
    log_partition: place.partition,
    log_offset: place.offset,
    event_time: moment,
    detected_at: moment,
    description: finding.description,
    trigger_event_ids: [],
    context: {},
  });
}

function eventId({ check, subject }: QualityFinding, received_at: number): string {
  return `${check}/${subject}/${dayOf(received_at)}`;
}
