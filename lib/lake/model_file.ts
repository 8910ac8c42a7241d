/**
 * A model: one SELECT with a header of comments that says what it makes and what must hold of it.
 *
 *   -- name: daily_merchant_revenue         the table, analytics.<name>
 *   -- doc: One sentence.
 *   -- grain: merchant_id, currency, day    one row each
 *   -- incremental: day                     may be made again for a range of this column alone ($from, $to)
 *   -- spread: 6 days                       a changed day of the sources also changes so many days after it
 *   -- test: unique a, b · not_null a, b · accepted a in x, y · relation a -> stage.table.column
 *
 * Checks of data quality (`-- check: name`, `-- severity: high`) have the same form; they see `$now`, and give rows
 * of subject, value, expected, failed, description.
 */
import { qualifiedNames } from "../query/relations.ts";

export const CHECK_SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type CheckSeverity = typeof CHECK_SEVERITIES[number];

export type ModelTest =
  | { kind: "unique"; columns: readonly string[] }
  | { kind: "not_null"; columns: readonly string[] }
  | { kind: "accepted"; column: string; values: readonly string[] }
  | { kind: "relation"; column: string; table: string; target: string };

export interface Model {
  name: string;
  /** `analytics.<name>` */
  table: string;
  doc: string;
  grain: readonly string[];
  /** The output column (a date or timestamp) by which a part can be made again; null: only the whole. */
  incremental: string | null;
  spread_days: number;
  tests: readonly ModelTest[];
  sql: string;
  /** The relations that it names, as `stage.table`. */
  reads: readonly string[];
}

export interface QualityCheck {
  name: string;
  doc: string;
  severity: CheckSeverity;
  sql: string;
  reads: readonly string[];
}

/** A file that does not hold to the form. The message names the file and the line's key. */
export class ModelError extends Error {
  override name = "ModelError";
}

const NAME = /^[a-z][a-z0-9_]{0,62}$/;

export function parseModel(path: string, text: string): Model {
  const { header, sql } = splitHeader(path, text);
  const name = one(path, header, "name");
  const grain = names(path, "grain", one(path, header, "grain"));
  const incremental = header.get("incremental")?.[0] ?? null;
  if (incremental !== null && !grain.includes(incremental)) {
    throw new ModelError(`${path}: incremental: ${incremental} is not in the grain`);
  }
  const hasRange = sql.includes("$from") && sql.includes("$to");
  if ((incremental !== null) !== hasRange) {
    throw new ModelError(`${path}: incremental and $from, $to in the text belong together`);
  }
  expectKeys(path, header, ["name", "doc", "grain", "incremental", "spread", "test"]);
  const tests = (header.get("test") ?? []).map((line) => parseTest(path, line));
  if (!NAME.test(name) || !path.endsWith(`${name}.sql`)) {
    throw new ModelError(`${path}: name: ${name} must be the file's name`);
  }
  return {
    name,
    table: `analytics.${name}`,
    doc: one(path, header, "doc"),
    grain,
    incremental,
    spread_days: spreadDays(path, header.get("spread")?.[0]),
    tests,
    sql,
    reads: qualifiedNames(sql),
  };
}

export function parseCheck(path: string, text: string): QualityCheck {
  const { header, sql } = splitHeader(path, text);
  const name = one(path, header, "check");
  const severity = CHECK_SEVERITIES.find((one) => one === header.get("severity")?.[0]);
  if (severity === undefined) {
    throw new ModelError(`${path}: severity: must be one of ${CHECK_SEVERITIES.join(", ")}`);
  }
  if (!NAME.test(name) || !path.endsWith(`${name}.sql`)) {
    throw new ModelError(`${path}: check: ${name} must be the file's name`);
  }
  expectKeys(path, header, ["check", "doc", "severity"]);
  return { name, doc: one(path, header, "doc"), severity, sql, reads: qualifiedNames(sql) };
}

/** Each model after those that it reads. */
export function orderModels(models: readonly Model[]): Model[] {
  const byTable = new Map(models.map((model) => [model.table, model]));
  if (byTable.size < models.length) throw new ModelError("two models have the same name");
  const ordered: Model[] = [];
  const visit = (model: Model, trail: readonly string[]) => {
    if (ordered.includes(model)) return;
    if (trail.includes(model.name)) {
      throw new ModelError(`models read each other: ${[...trail, model.name].join(" > ")}`);
    }
    for (const table of model.reads) {
      const source = byTable.get(table);
      if (source) visit(source, [...trail, model.name]);
    }
    ordered.push(model);
  };
  for (const model of [...models].sort((a, b) => a.name < b.name ? -1 : 1)) visit(model, []);
  return ordered;
}

type Header = ReadonlyMap<string, readonly string[]>;

const FORM = "a file begins with -- name:, -- doc: and -- grain: (a check with -- check:, -- doc: and " +
  "-- severity:), and after an empty line its SELECT follows";

/** The header is the comment lines up to the first line that is none. */
function splitHeader(path: string, text: string): { header: Header; sql: string } {
  const lines = text.split(/\r?\n/);
  const end = lines.findIndex((line) => !line.startsWith("--"));
  const header = new Map<string, string[]>();
  for (const line of lines.slice(0, Math.max(0, end))) {
    const match = /^--\s*([a-z_]+):\s*(.+?)\s*$/.exec(line);
    if (!match) throw new ModelError(`${path}: "${line}" is no "-- key: value"; ${FORM}`);
    header.set(match[1], [...header.get(match[1]) ?? [], match[2]]);
  }
  const sql = lines.slice(end).join("\n").trim().replace(/;\s*$/, "");
  if (end < 1 || sql === "") throw new ModelError(`${path}: ${FORM}`);
  return { header, sql };
}

function one(path: string, header: Header, key: string): string {
  const values = header.get(key) ?? [];
  if (values.length !== 1) throw new ModelError(`${path}: ${key}: is needed exactly once`);
  return values[0];
}

function expectKeys(path: string, header: Header, keys: readonly string[]): void {
  const unknown = [...header.keys()].find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new ModelError(`${path}: ${unknown}: is not one of ${keys.join(", ")}`);
}

function names(path: string, key: string, text: string): string[] {
  const found = text.split(",").map((part) => part.trim());
  const wrong = found.find((name) => !NAME.test(name));
  if (wrong !== undefined) throw new ModelError(`${path}: ${key}: "${wrong}" is no column`);
  return found;
}

function spreadDays(path: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const match = /^(\d{1,3}) days?$/.exec(text);
  if (!match) throw new ModelError(`${path}: spread: must read "<n> days"`);
  return Number(match[1]);
}

function parseTest(path: string, line: string): ModelTest {
  const [, kind, rest] = /^(\w+)\s+(.+)$/.exec(line) ?? [];
  if (kind === "unique" || kind === "not_null") return { kind, columns: names(path, "test", rest) };
  const accepted = kind === "accepted" && /^(\w+) in (.+)$/.exec(rest);
  if (accepted) {
    const values = accepted[2].split(",").map((value) => value.trim());
    return { kind: "accepted", column: accepted[1], values };
  }
  const relation = kind === "relation" && /^(\w+) -> (\w+\.\w+)\.(\w+)$/.exec(rest);
  if (relation) return { kind: "relation", column: relation[1], table: relation[2], target: relation[3] };
  throw new ModelError(`${path}: test: "${line}" is no unique, not_null, accepted or relation`);
}
