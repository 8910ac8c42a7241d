/**
 * Checks of data quality run over the lake: every result is a row of `analytics.quality_results`, and a failing one a
 * control record `quality` of the log, which becomes an alert like any other, one a day for each check and subject.
 * `alert_id` ties the two together, and is the same for everyone who runs the check on that day.
 */
import { hash } from "node:crypto";
import { qualityAlertId, type QualityFinding, qualityKey } from "../alert/quality_alert.ts";
import type { Row } from "../event/column.ts";
import { Fault, messageOf } from "../errors.ts";
import type { EventLog } from "../log/log.ts";
import { partitionOf } from "../log/topics.ts";
import { CONTROL_SOURCE, controlRecord } from "../partition/control_record.ts";
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

export interface CheckOptions {
  now: number;
  /** Ids of alerts that were raised before: they are not told to the log again. */
  raised?: Set<string>;
  signal?: AbortSignal;
}

/** Runs the checks at `now`, keeps what they found and raises alerts; alerts first, so that none is missing behind a row. */
export async function runChecks(
  context: QualityContext,
  checks: readonly QualityCheck[],
  { now, raised, signal }: CheckOptions,
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
  const byName = new Map(checks.map((check) => [check.name, check]));
  const failed = results.filter((result) => result.failed);
  await raise(context, failed.map((result) => findingOf(byName.get(result.check)!, result)), { now, raised });
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
    const found = {
      check: check.name,
      subject: String(subject),
      failed: failed === true,
      description: String(description),
    };
    const row: Row = {
      checked_at: time,
      check_name: check.name,
      severity: check.severity,
      subject: found.subject,
      value: finite(value),
      expected: finite(expected),
      failed: found.failed,
      description: found.description,
      alert_id: found.failed ? qualityAlertId(findingOf(check, found), CONTROL_SOURCE, now) : null,
    };
    return { ...found, row };
  });
}

function findingOf(check: QualityCheck, found: { subject: string; description: string }): QualityFinding {
  return {
    check: check.name,
    subject: found.subject,
    severity: check.severity,
    version: hash("sha256", check.sql, "hex").slice(0, 32),
    description: `${check.doc.replace(/\.$/, "")}: ${found.description}`,
  };
}

async function raise(
  { log }: QualityContext,
  findings: readonly QualityFinding[],
  { now, raised = new Set() }: { now: number; raised?: Set<string> },
): Promise<void> {
  const fresh = findings.filter((finding) => !raised.has(qualityAlertId(finding, CONTROL_SOURCE, now)));
  if (fresh.length === 0) return;
  const { partitions } = await log.identity("events");
  const records = fresh.map((finding) =>
    controlRecord("quality", partitionOf(qualityKey(finding), partitions), {
      body: finding,
      received_at: now,
    })
  );
  await log.append("events", records);
  for (const finding of fresh) raised.add(qualityAlertId(finding, CONTROL_SOURCE, now));
}

/** Doubles that are no number come as text. */
function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "");
}
