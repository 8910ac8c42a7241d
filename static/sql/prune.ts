/**
 * Which files a statement cannot need, judged by the conditions of its WHERE and the files' least and greatest values.
 *
 * The idea: `a AND b AND c` over one table needs no file in which one of the three can hold for no row. Deliberately
 * small, because a wrong judgement would lose rows: one SELECT over one table, no OR beside the ANDs, a column compared
 * with a literal or with `now() - INTERVAL n unit`. Whatever it does not understand excludes nothing. Pure.
 */
import { type Token, tokensOf } from "./lexer.ts";
import { scopeOf } from "./scope.ts";

export type Comparison = "<" | "<=" | "=" | ">=" | ">";

export interface Condition {
  column: string;
  comparison: Comparison;
  /** A number, or a text or time as it was written. */
  value: number | string;
}

export interface FileBounds {
  min?: Readonly<Record<string, unknown>> | null;
  max?: Readonly<Record<string, unknown>> | null;
}

const END_OF_WHERE = new Set([
  "group",
  "order",
  "limit",
  "having",
  "qualify",
  "window",
  "offset",
  "using",
  "sample",
]);
const NOT_SIMPLE = new Set([
  "with",
  "join",
  "union",
  "intersect",
  "except",
  "pivot",
  "unpivot",
  "sample",
  "tablesample",
]);
const UNITS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
};

/** Conditions that every wanted row fulfils; none when the statement is not simple. `now` is the time that now() says. */
export function conditionsOf(sql: string, now: Date): Condition[] {
  const tokens = tokensOf(sql).filter((token) => token.kind !== "comment");
  const words = tokens.filter((token) => token.kind === "word").map((token) => token.text.toLowerCase());
  const isSimple = words.filter((word) => word === "select").length === 1 && words[0] === "select" &&
    !words.some((word) => NOT_SIMPLE.has(word)) && scopeOf(sql).relations.length === 1;
  if (!isSimple) return [];
  const clause = whereOf(tokens);
  const parts = clause && conjuncts(clause);
  return (parts ?? []).flatMap((part) => conditionOf(part, now));
}

/** Iceberg types of columns by their names in lower case. */
export type ColumnTypes = ReadonlyMap<string, unknown>;

/** Whether a file may hold a row for which all conditions hold. Bounds that are not there exclude nothing. */
export function mayHold(file: FileBounds, conditions: readonly Condition[], types: ColumnTypes): boolean {
  return conditions.every(({ column, comparison, value }) => {
    const type = types.get(column.toLowerCase());
    const wanted = comparable(value, type, typeof value === "number");
    if (wanted === null) return true;
    const needsGreat = comparison === "=" || comparison === ">=" || comparison === ">";
    const needsSmall = comparison === "=" || comparison === "<=" || comparison === "<";
    const [least, greatest] = [bound(file.min, column, type), bound(file.max, column, type)];
    if (needsGreat && greatest !== null && greatest < wanted) return false;
    return !(needsSmall && least !== null && least > wanted);
  });
}

function bound(bounds: FileBounds["min"], column: string, type: unknown): number | string | null {
  const name = Object.keys(bounds ?? {}).find((one) => one.toLowerCase() === column.toLowerCase());
  const value = name === undefined ? null : bounds?.[name];
  if (value === null || value === undefined || value === "") return null;
  return comparable(String(value), type, true);
}

/**
 * A value in the form in which values of the column's type are ordered; null when the order is not safely known. Numbers
 * may be rounded to doubles, which keeps their order, and equal ones exclude nothing.
 */
function comparable(value: number | string, type: unknown, mayBeNumber: boolean): number | string | null {
  if (typeof type !== "string") return null;
  if (/^(int|long|float|double|decimal)/.test(type)) {
    const number = mayBeNumber ? Number(value) : NaN;
    return Number.isNaN(number) ? null : number;
  }
  if (typeof value === "number") return null;
  if (type === "timestamp" || type === "date") return normalTime(value);
  // UTF-16 and UTF-8 order texts alike only without characters beyond the basic plane and those just below its end.
  return type === "string" && !/[\ud800-\uffff]/.test(value) ? value : null;
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?)?Z?$/;

function normalTime(text: string): string | null {
  const match = TIME.exec(text);
  if (!match) return null;
  return `${match[1]}T${(match[2] ?? "00:00:00").padEnd(8, ":00")}.${(match[3] ?? "").padEnd(6, "0")}`;
}

function whereOf(tokens: readonly Token[]): Token[] | null {
  let depth = 0;
  let start = -1;
  for (const [at, token] of tokens.entries()) {
    depth += depthChange(token);
    if (depth !== 0 || token.kind !== "word") continue;
    const word = token.text.toLowerCase();
    if (word === "where") start = at + 1;
    else if (start >= 0 && END_OF_WHERE.has(word)) return tokens.slice(start, at);
  }
  return start < 0 ? null : tokens.slice(start);
}

/** The parts between ANDs; null when an OR stands beside them. `BETWEEN a AND b` stays one part. */
function conjuncts(tokens: readonly Token[]): Token[][] | null {
  const parts: Token[][] = [[]];
  let depth = 0;
  let isBetween = false;
  for (const token of tokens) {
    depth += depthChange(token);
    const word = depth === 0 && token.kind === "word" ? token.text.toLowerCase() : "";
    if (word === "or") return null;
    if (word === "and" && !isBetween) parts.push([]);
    else parts[parts.length - 1].push(token);
    isBetween = word === "between" || (isBetween && word !== "and");
  }
  return parts;
}

function conditionOf(part: readonly Token[], now: Date): Condition[] {
  const nameLength = part[1]?.text === "." ? 3 : 1;
  const name = part[nameLength - 1];
  if (name?.kind !== "word" && name?.kind !== "quoted") return [];
  const rest = part.slice(nameLength);
  const column = name.text;
  if (rest[0]?.kind === "word" && rest[0].text.toLowerCase() === "between") {
    return between(column, rest.slice(1), now);
  }
  const signs = rest.findIndex((token) => !"<>=".includes(token.text) || token.kind !== "sign");
  const comparison = rest.slice(0, Math.max(0, signs)).map((token) => token.text).join("");
  if (!isComparison(comparison)) return [];
  const value = literalOf(rest.slice(signs), now);
  return value === null ? [] : [{ column, comparison, value }];
}

function between(column: string, tokens: readonly Token[], now: Date): Condition[] {
  const and = tokens.findIndex((token) => token.kind === "word" && token.text.toLowerCase() === "and");
  const [low, high] = [literalOf(tokens.slice(0, and), now), literalOf(tokens.slice(and + 1), now)];
  if (and < 0 || low === null || high === null) return [];
  return [{ column, comparison: ">=", value: low }, { column, comparison: "<=", value: high }];
}

function isComparison(text: string): text is Comparison {
  return ["<", "<=", "=", ">=", ">"].includes(text);
}

function literalOf(tokens: readonly Token[], now: Date): number | string | null {
  const words = tokens.map((token) => token.kind === "word" ? token.text.toLowerCase() : token.text);
  const [first, second] = tokens;
  if (tokens.length === 1 && first.kind === "number") return numberOf(first.text);
  if (tokens.length === 2 && first.text === "-" && second.kind === "number") {
    return numberOf(`-${second.text}`);
  }
  if (tokens.length === 1 && first.kind === "string") return plainText(first.text);
  if (tokens.length === 2 && ["timestamp", "date"].includes(words[0]) && second.kind === "string") {
    return plainText(second.text);
  }
  const isCast = tokens.length === 3 && first.kind === "string" && words[1] === "::";
  if (isCast && ["timestamp", "date"].includes(words[2])) return plainText(first.text);
  return clockOf(words, now);
}

function numberOf(text: string): number | null {
  const value = Number(text.replaceAll("_", ""));
  return Number.isNaN(value) ? null : value;
}

function plainText(token: string): string | null {
  return /^'[^]*'$/.test(token) ? token.slice(1, -1).replaceAll("''", "'") : null;
}

/** `now()` and its kin, with an interval taken from it or not. */
function clockOf(words: readonly string[], now: Date): string | null {
  const text = words.join(" ");
  const match =
    /^(now \( \)|current_timestamp|current_date|today \( \))(?: - interval (?:'(\d+) ?([a-z]+)'|(?:'(\d+)'|(\d+)) ([a-z]+)))?$/
      .exec(text);
  if (!match) return null;
  const isDay = match[1].startsWith("current_date") || match[1].startsWith("today");
  const base = isDay ? Date.parse(now.toISOString().slice(0, 10)) : now.getTime();
  const amount = Number(match[2] ?? match[4] ?? match[5] ?? 0);
  const unit = UNITS[(match[3] ?? match[6] ?? "second").replace(/s$/, "")];
  if (unit === undefined) return null;
  const time = new Date(base - amount * unit * 1000);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

function depthChange(token: Token): number {
  if (token.kind !== "sign") return 0;
  return "([{".includes(token.text) ? 1 : ")]}".includes(token.text) ? -1 : 0;
}
