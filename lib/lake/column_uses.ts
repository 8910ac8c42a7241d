/** Who would miss a column of a kind's table if it had another name or were gone. Pure; of SQL it may name one too many. */
import type { EvolvedColumn } from "../event/column_change.ts";
import type { Kind } from "../event/kind.ts";
import { qualifiedNames } from "../query/relations.ts";
import { tokensOf } from "../query/sql_text.ts";
import { type RuleDefinition, ruleKey } from "../stream/rule_definition.ts";
import { whereFields } from "../stream/where.ts";
import { aggregateParts, type WindowDefinition } from "../stream/window_definition.ts";

/** A text in SQL that is asked again and again. */
export interface NamedSql {
  /** "the model top_spenders" */
  what: string;
  sql: string;
}

export interface ColumnUsers {
  rules: readonly RuleDefinition[];
  windows: readonly WindowDefinition[];
  sql: readonly NamedSql[];
}

/** In words, as "the rule high_value_transaction". */
export function usesOf(kind: Kind, column: EvolvedColumn, users: ColumnUsers): string[] {
  const { declared, name } = column;
  const table = `processed.${kind.table}`;
  const inSql = users.sql.filter(({ sql }) => namesColumn(sql, table, name)).map(({ what }) => what);
  const own = declared === null ? [] : [
    ...(kind.partition.includes(declared) ? ["the key of its events"] : []),
    ...(kind.stream_columns.includes(declared) ? ["the stream, which fills it"] : []),
  ];
  // Rules and windows know the kind's own column by its own name too.
  const isNamed = (fields: readonly string[]) => fields.some((field) => field === name || field === declared);
  const rules = users.rules.filter((rule) => rule.over === kind.name && isNamed(ruleFields(rule, kind)));
  const windows = users.windows.filter((one) => one.over === kind.name && isNamed(windowFields(one)));
  return [
    ...own,
    ...rules.map(({ name }) => `the rule ${name}`),
    ...windows.map(({ name }) => `the window ${name}`),
    ...inSql,
  ];
}

function namesColumn(sql: string, table: string, column: string): boolean {
  if (!qualifiedNames(sql).includes(table)) return false;
  const wanted = column.toLowerCase();
  return tokensOf(sql).some(({ kind, text }) => kind !== "string" && text.toLowerCase() === wanted);
}

/** Columns that a rule looks at, by their names in it or without naming them. */
function ruleFields(rule: RuleDefinition, kind: Kind): string[] {
  const named = [...whereFields(rule.where), ...ruleKey(rule, kind)];
  switch (rule.kind) {
    case "threshold":
      return [...named, rule.field, "currency"];
    case "z_score":
      return [...named, "amount"];
    case "impossible_travel":
      return [...named, "lat", "lon"];
    case "distinct":
      return [...named, rule.field];
    case "sequence":
      return [...named, ...[...rule.steps, rule.without].flatMap(whereFields)];
    case "velocity":
    case "quiet_hours":
      return named;
  }
}

function windowFields({ where, key, aggregates }: WindowDefinition): string[] {
  const all = Object.values(aggregates);
  const aggregated = all.map((one) => aggregateParts(one).field ?? []);
  return [...key, ...aggregated.flat(), ...[where, ...all.map((one) => one.where)].flatMap(whereFields)];
}
