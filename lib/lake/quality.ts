/**
 * Checks of data quality run over the lake: every result is a row of `analytics.quality_results`, and a failing one an
 * alert on the topic `alerts`, one a day for each check and subject.
 *
 * These alerts are not rows of `analytics.alerts`: that table holds exactly what decided records gave. `alert_id` ties
 * the two together, and is the same for everyone who runs the check on that day.
 */
import { hash } from "node:crypto";
import { alertId, alertRow } from "../alert/alert.ts";
import type { Row } from "../event/column.ts";
import { Fault, messageOf } from "../errors.ts";
import type { EventLog, NewRecord } from "../log/log.ts";
import { partitionOf } from "../log/topics.ts";
import { appendRows } from "./append_rows.ts";
import type { QualityCheck } from "./model_file.ts";
import { checkSql } from "./model_sql.ts";
import type { ModelsContext } from "./models.ts";
import type { TableSpec } from "./tables.ts";
import { loadSources, Workbench } from "./workbench.ts";

export const QUALITY_RESULTS: TableSpec = {
  key: "analytics.quality_results",
  doc: "What the checks of data quality found, one row for each subject of each run.",
  columns: [
    { name: "checked_at", type: "timestamp", doc: "When the check ran." },
    { name: "check_name", type: "string", doc: "The check." },
    { name: "severity", type: "string", doc: "low, medium, high or critical." },
    { name: "subject", type: "string", doc: "What was looked at: a table, a source, a column." },
    { name: "value", type: "double", doc: "What was found." },
    { name: "expected", type: "double", doc: "What it was compared with." },
    { name: "failed", type: "boolean", doc: "Whether that is a fault." },
    { name: "description", type: "string", doc: "One sentence for people." },
    { name: "alert_id", type: "string", doc: "The alert of a failing one; its id is the same all day." },
  ],
  day_column: "checked_at",
  order_by: ["check_name", "subject", "checked_at"],
};

const SOURCE = "millrace";
const RULE_PREFIX = "quality.";

export interface QualityResult {
  check: string;
  subject: string;
  failed: boolean;
  description: string;
  row: Row;
}

export interface QualityRun {
  results: readonly QualityResult[];
  /** Checks that could not be run. */
  broken: readonly { check: string; reason: string }[];
}

export interface QualityContext extends ModelsContext {
  log: Pick<EventLog, "append" | "identity">;
}

/** Runs the checks at `now`, keeps what they found and raises alerts; alerts first, so that none is missing behind a row. */
export async function runChecks(
  context: QualityContext,
  checks: readonly QualityCheck[],
  { now, signal }: { now: number; signal?: AbortSignal },
): Promise<QualityRun> {
  const results: QualityResult[] = [];
  const broken: { check: string; reason: string }[] = [];
  for (const check of checks) {
    signal?.throwIfAborted();
    try {
      results.push(...await runCheck(context, check, { now, signal }));
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      broken.push({ check: check.name, reason: messageOf(error) });
    }
  }
  await raise(context, results, checks, now);
  await appendRows(context, QUALITY_RESULTS, results.map(({ row }) => row));
  return { results, broken };
}

async function runCheck(
  context: QualityContext,
  check: QualityCheck,
  { now, signal }: { now: number; signal?: AbortSignal },
): Promise<QualityResult[]> {
  const sources = await loadSources(context, check.reads);
  await using bench = await Workbench.open(context, sources, { names: check.reads, signal });
  const time = timeText(now);
  const { rows } = await bench.ask(
    `SELECT CAST(subject AS VARCHAR), CAST(value AS DOUBLE), CAST(expected AS DOUBLE), coalesce(failed, false),
      CAST(description AS VARCHAR) FROM (\n${checkSql(check.sql, time)}\n)`,
    signal,
  );
  return rows.map(([subject, value, expected, failed, description]) => {
    const found = { check: check.name, subject: String(subject), failed: failed === true };
    const row: Row = {
      checked_at: time,
      check_name: check.name,
      severity: check.severity,
      subject: found.subject,
      value: finite(value),
      expected: finite(expected),
      failed: found.failed,
      description: String(description),
      alert_id: found.failed ? idOf(found, now) : null,
    };
    return { ...found, description: String(description), row };
  });
}

function eventId({ check, subject }: { check: string; subject: string }, now: number): string {
  return `${check}/${subject}/${timeText(now).slice(0, 10)}`;
}

function idOf(found: { check: string; subject: string }, now: number): string {
  return alertId(RULE_PREFIX + found.check, found.subject, SOURCE, eventId(found, now));
}

async function raise(
  { log }: QualityContext,
  results: readonly QualityResult[],
  checks: readonly QualityCheck[],
  now: number,
): Promise<void> {
  const failed = results.filter((result) => result.failed);
  if (failed.length === 0) return;
  const { partitions } = await log.identity("alerts");
  const byName = new Map(checks.map((check) => [check.name, check]));
  const records = failed.map((found): NewRecord => {
    const partition = partitionOf(found.subject, partitions);
    const row = checkAlert(found, byName.get(found.check)!, now);
    return {
      partition,
      key: String(row.alert_id),
      value: new TextEncoder().encode(JSON.stringify(row)),
      headers: {
        source: SOURCE,
        kind: QUALITY_RESULTS.key,
        id: String(row.alert_id),
        content_type: "application/json",
      },
      received_at: now,
    };
  });
  await log.append("alerts", records);
}

/** Behind no record of the log: its place there is none. */
function checkAlert(found: QualityResult, check: QualityCheck, now: number): Row {
  return alertRow({
    rule: RULE_PREFIX + check.name,
    rule_version: hash("sha256", check.sql, "hex").slice(0, 32),
    severity: check.severity,
    key: found.subject,
    user_id: null,
    source: SOURCE,
    event_id: eventId(found, now),
    log_partition: -1,
    log_offset: -1,
    event_time: timeText(now),
    detected_at: timeText(now),
    description: `${check.doc.replace(/\.$/, "")}: ${found.description}`,
    trigger_event_ids: [],
    context: {},
  });
}

/** Doubles that are no number come as text. */
function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "");
}
