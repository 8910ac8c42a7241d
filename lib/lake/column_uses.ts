/** Who would miss a column of a kind's table if it had another name or were gone. Pure; it may name one too many. */
import type { EvolvedColumn } from "../event/column_change.ts";
import type { Kind } from "../event/kind.ts";
import { qualifiedNames } from "../query/relations.ts";
import { tokensOf } from "../query/sql_text.ts";
import { type RuleDefinition, ruleKey } from "../stream/rule_definition.ts";
import type { WindowDefinition } from "../stream/window_definition.ts";

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
  const isNamed = (fields: ReadonlySet<string>) =>
    fields.has(name) || (declared !== null && fields.has(declared));
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

function ruleFields(rule: RuleDefinition, kind: Kind): Set<string> {
  const { name: _name, doc: _doc, ...named } = rule;
  return new Set([...textsIn(named), ...ruleKey(rule, kind), ...impliedFields(rule)]);
}

/** Columns that a kind of rule looks at without naming them. */
function impliedFields({ kind }: RuleDefinition): string[] {
  switch (kind) {
    case "threshold":
      return ["currency"];
    case "z_score":
      return ["amount", "currency"];
    case "impossible_travel":
      return ["lat", "lon"];
    case "velocity":
    case "quiet_hours":
    case "distinct":
    case "sequence":
      return [];
  }
}

function windowFields({ where, key, aggregates }: WindowDefinition): Set<string> {
  return new Set(textsIn([where, key, Object.values(aggregates)]));
}

/** Every key and every text in a definition. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]);
}
