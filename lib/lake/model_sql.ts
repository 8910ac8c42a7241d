/**
 * The statements of a model: made whole, made again for the days that changed, and tested.
 *
 * What is made again for a range equals what the whole would hold there, so replacing the range equals a rebuild; the
 * source rows a row depends on lie at most `spread_days` before it, which is what widens the range.
 */
import { quoteName, quoteText } from "../query/relation_sql.ts";
import { isSymbol, tokensOf } from "../query/sql_text.ts";
import type { Model, ModelTest } from "./model_file.ts";

/** Whole days, `YYYY-MM-DD`: from the first to before the last. */
export interface DayRange {
  from: string;
  to: string;
}

/** Wide enough for every event (1970 to 9999), and still leaving room for arithmetic on it. */
const ALL_DAYS: DayRange = { from: "1970-01-01", to: "10000-01-01" };

/** The model over everything. */
export function fullSql(model: Model): string {
  return rangeSql(model, ALL_DAYS);
}

/** The model's rows of a range. */
export function rangeSql(model: Model, range: DayRange): string {
  return bindTimes(model.sql, { from: range.from, to: range.to });
}

/**
 * The whole table again, from `previous` (a relation with its present rows) and the ranges made anew. An empty list of
 * ranges gives the previous rows.
 */
export function refreshSql(model: Model, ranges: readonly DayRange[], previous: string): string {
  if (model.incremental === null) {
    throw new TypeError(`Cannot refresh ${model.name} in part: it is made whole`);
  }
  const key = quoteName(model.incremental);
  const inRange = ranges.map(({ from, to }) => `${key} >= ${timeText(from)} AND ${key} < ${timeText(to)}`);
  const kept = inRange.length === 0 ? "true" : `NOT (${inRange.join(" OR ")})`;
  const parts = ranges.map((range) => `SELECT * FROM (\n${rangeSql(model, range)}\n)`);
  return [`SELECT * FROM ${previous} WHERE ${kept}`, ...parts].join("\nUNION ALL BY NAME\n");
}

/** The days of a model that change with these days of its sources, joined into ranges. */
export function affectedRanges(model: Model, changedDays: Iterable<string>): DayRange[] {
  const numbers = new Set<number>();
  for (const day of changedDays) {
    for (let step = 0; step <= model.spread_days; step++) numbers.add(dayNumber(day) + step);
  }
  const ranges: DayRange[] = [];
  let start: number | null = null;
  for (const number of [...numbers].sort((a, b) => a - b)) {
    start ??= number;
    if (numbers.has(number + 1)) continue;
    ranges.push({ from: dayText(start), to: dayText(number + 1) });
    start = null;
  }
  return ranges;
}

/** `$now`, the log time of a check's run, as ISO text. */
export function checkSql(sql: string, now: string): string {
  return bindTimes(sql, { now: now.replace("T", " ").replace(/Z$/, "") });
}

export interface ModelTestSql {
  name: string;
  /** Gives one number: how many rows (or groups) break the test. */
  sql: string;
}

export function testSql(model: Model): ModelTestSql[] {
  const table = model.table.split(".").map(quoteName).join(".");
  return model.tests.map((test) => ({ name: testName(test), sql: oneTestSql(test, table) }));
}

function oneTestSql(test: ModelTest, table: string): string {
  switch (test.kind) {
    case "unique": {
      const columns = test.columns.map(quoteName).join(", ");
      return `SELECT count(*) FROM (SELECT ${columns} FROM ${table} GROUP BY ALL HAVING count(*) > 1)`;
    }
    case "not_null": {
      const missing = test.columns.map((column) => `${quoteName(column)} IS NULL`).join(" OR ");
      return `SELECT count(*) FROM ${table} WHERE ${missing}`;
    }
    case "accepted": {
      const values = test.values.map(quoteText).join(", ");
      return `SELECT count(*) FROM ${table} WHERE ${quoteName(test.column)} NOT IN (${values})`;
    }
    case "relation": {
      const [column, target] = [quoteName(test.column), quoteName(test.target)];
      const other = test.table.split(".").map(quoteName).join(".");
      return `SELECT count(*) FROM ${table} WHERE ${column} NOT IN ` +
        `(SELECT ${target} FROM ${other} WHERE ${target} IS NOT NULL)`;
    }
  }
}

function testName(test: ModelTest): string {
  switch (test.kind) {
    case "unique":
    case "not_null":
      return `${test.kind} ${test.columns.join(", ")}`;
    case "accepted":
      return `accepted ${test.column} in ${test.values.join(", ")}`;
    case "relation":
      return `relation ${test.column} -> ${test.table}.${test.target}`;
  }
}

/** Puts times where `$name` stands outside of strings and comments. */
function bindTimes(sql: string, times: Readonly<Record<string, string>>): string {
  const tokens = tokensOf(sql);
  let bound = "";
  let at = 0;
  tokens.forEach((token, index) => {
    const word = tokens[index + 1];
    if (!isSymbol(token, "$") || word?.kind !== "word" || word.start !== token.end) return;
    if (!Object.hasOwn(times, word.text)) {
      throw new TypeError(`Cannot bind $${word.text}: nothing is called so`);
    }
    bound += sql.slice(at, token.start) + timeText(times[word.text]);
    at = word.end;
  });
  return bound + sql.slice(at);
}

function timeText(time: string): string {
  return `TIMESTAMP ${quoteText(time)}`;
}

const DAY_MS = 86_400_000;

function dayNumber(day: string): number {
  const ms = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(ms)) throw new RangeError(`Cannot read the day ${day}`);
  return ms / DAY_MS;
}

function dayText(number: number): string {
  const iso = new Date(number * DAY_MS).toISOString();
  return iso.slice(0, iso.indexOf("T")).replace(/^\+0*/, "");
}
