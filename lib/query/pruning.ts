/**
 * Which files a statement cannot need, judged by the conditions of its WHERE and the files' least and greatest values.
 *
 * The idea: `a AND b AND c` over one table needs no file in which one of the three can hold for no row. Deliberately
 * small, because a wrong judgement would lose rows: one SELECT over one table, no OR beside the ANDs, a column (or the
 * day of one) compared with a literal or with `now() - INTERVAL n unit`. Whatever it does not understand excludes
 * nothing. Pure: the server asks it before it fetches files, the page before it registers them.
 */
import { isSymbol, isWord, type Token } from "./sql_text.ts";

export type Comparison = "<" | "<=" | "=" | ">=" | ">";

export interface Condition {
  column: string;
  comparison: Comparison;
  /** A number, or a text or time as it was written. */
  value: number | string;
  /** What is compared is the midnight before the column's time. */
  of_day?: true;
}

export interface FileBounds {
  min?: Readonly<Record<string, unknown>> | null;
  max?: Readonly<Record<string, unknown>> | null;
}

const END_OF_WHERE = ["GROUP", "ORDER", "LIMIT", "HAVING", "QUALIFY", "WINDOW", "OFFSET", "USING", "SAMPLE"];
const UNITS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
};

/** Conditions that every wanted row fulfils; none when the statement is not simple. `now` is the time that now() says. */
export function conditionsOf(tokens: readonly Token[], now: Date): Condition[] {
  const clause = whereOfOneTable(statementOf(tokens));
  const parts = clause && conjuncts(clause);
  return (parts ?? []).flatMap((part) => conditionOf(part, now));
}

/**
 * Whether the statement asks for names and types alone: what a relation is, or a SELECT of which no row is wanted. Columns
 * that a PIVOT makes of values are known by their rows only.
 */
export function needsNoRows(all: readonly Token[]): boolean {
  const tokens = statementOf(all);
  if (tokens.some((token) => isWord(token, "PIVOT", "PIVOT_WIDER"))) return false;
  if (isWord(tokens[0], "DESCRIBE", "DESC", "SHOW")) return true;
  const last = tokens.at(-1);
  return isWord(tokens.at(-2), "LIMIT") && last?.kind === "number" && last.text === "0";
}

function statementOf(tokens: readonly Token[]): readonly Token[] {
  return tokens.slice(0, tokens.findLastIndex((token) => !isSymbol(token, ";")) + 1);
}

/** Iceberg types of columns by their names in lower case. */
export type ColumnTypes = ReadonlyMap<string, unknown>;

/** Whether a file may hold a row for which all conditions hold. Bounds that are not there exclude nothing. */
export function mayHold(file: FileBounds, conditions: readonly Condition[], types: ColumnTypes): boolean {
  return conditions.every(({ column, comparison, value, of_day }) => {
    const type = types.get(column.toLowerCase());
    const written = comparable(value, type, typeof value === "number");
    // A text that is compared with a day is read as one: its time of day counts for nothing.
    const isDay = of_day || type === "date";
    const wanted = isDay && written !== null ? midnight(String(written)) : written;
    if (wanted === null || (of_day && type !== "timestamp")) return true;
    // NaN is greater than everything, and stands in no bound.
    const mayBeNaN = type === "double" || type === "float";
    const needsGreat = comparison === "=" || (!mayBeNaN && (comparison === ">=" || comparison === ">"));
    const needsSmall = comparison === "=" || comparison === "<=" || comparison === "<";
    const seen = (bounds: FileBounds["min"]) => {
      const found = bound(bounds, column, type);
      return of_day && found !== null ? midnight(String(found)) : found;
    };
    const [least, greatest] = [seen(file.min), seen(file.max)];
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

/** Of a normal time. */
function midnight(time: string): string {
  return `${time.slice(0, 10)}T00:00:00.000000`;
}

/** The WHERE of `SELECT ... FROM one_table [AS alias] WHERE ...`; null for every other statement. */
function whereOfOneTable(tokens: readonly Token[]): Token[] | null {
  const hasOne = (word: string) => tokens.filter((token) => isWord(token, word)).length === 1;
  if (!isWord(tokens[0], "SELECT") || !hasOne("SELECT") || !hasOne("FROM")) return null;
  let at = tokens.findIndex((token) => isWord(token, "FROM")) + 1;
  if (depthAt(tokens, at) !== 0 || !isName(tokens[at++])) return null;
  while (isSymbol(tokens[at], ".") && isName(tokens[at + 1])) at += 2;
  if (isWord(tokens[at], "AS")) at++;
  if (isName(tokens[at]) && !isWord(tokens[at], "WHERE")) at++;
  if (!isWord(tokens[at], "WHERE")) return null;
  const clause = tokens.slice(at + 1);
  let depth = 0;
  const end = clause.findIndex((token) => {
    depth += depthChange(token);
    return depth === 0 && isWord(token, ...END_OF_WHERE);
  });
  const isCombined = tokens.some((token) =>
    isWord(token, "UNION", "INTERSECT", "EXCEPT", "PIVOT", "UNPIVOT")
  );
  return isCombined ? null : end < 0 ? clause : clause.slice(0, end);
}

function isName(token: Token | undefined): boolean {
  return token?.kind === "word" || token?.kind === "quoted_name";
}

/**
 * The parts between ANDs; null when an OR stands beside them, or a CASE, whose ANDs are no others'. `BETWEEN a AND b` stays
 * one part.
 */
function conjuncts(tokens: readonly Token[]): Token[][] | null {
  const parts: Token[][] = [[]];
  let depth = 0;
  let isBetween = false;
  for (const token of tokens) {
    depth += depthChange(token);
    const isOuter = depth === 0;
    if (isOuter && isWord(token, "OR", "CASE")) return null;
    const isAnd = isOuter && isWord(token, "AND");
    if (isAnd && !isBetween) parts.push([]);
    else parts[parts.length - 1].push(token);
    isBetween = (isOuter && isWord(token, "BETWEEN")) || (isBetween && !isAnd);
  }
  return parts;
}

function conditionOf(part: readonly Token[], now: Date): Condition[] {
  const found = columnOf(part);
  if (found === null) return [];
  const { length, ...subject } = found;
  const rest = part.slice(length);
  if (isWord(rest[0], "BETWEEN")) return between(subject, rest.slice(1), now);
  const signs = rest.findIndex((token) => token.kind !== "symbol" || !"<>=".includes(token.text));
  const comparison = rest.slice(0, Math.max(0, signs)).map((token) => token.text).join("");
  if (!isComparison(comparison)) return [];
  return compared(subject, comparison, literalOf(rest.slice(signs), now));
}

type Subject = Pick<Condition, "column" | "of_day">;

/** `column`, `t.column`, and what makes a day of it: `column::DATE`, CAST(column AS DATE), date_trunc('day', column). */
function columnOf(part: readonly Token[]): (Subject & { length: number }) | null {
  const isCast = isWord(part[0], "CAST") && isSymbol(part[1], "(");
  const isTrunc = isWord(part[0], "DATE_TRUNC") && isSymbol(part[1], "(") &&
    part[2]?.kind === "string" && part[2].text.toLowerCase() === "day" && isSymbol(part[3], ",");
  const start = isCast ? 2 : isTrunc ? 4 : 0;
  const at = isSymbol(part[start + 1], ".") ? start + 2 : start;
  if (!isName(part[at])) return null;
  const column = part[at].text;
  const end = at + 1;
  if (isTrunc) return isSymbol(part[end], ")") ? { column, of_day: true, length: end + 1 } : null;
  if (isCast) {
    const isDay = isWord(part[end], "AS") && isWord(part[end + 1], "DATE") && isSymbol(part[end + 2], ")");
    return isDay ? { column, of_day: true, length: end + 3 } : null;
  }
  if (!isSymbol(part[end], ":")) return { column, length: end };
  const isDay = isSymbol(part[end + 1], ":") && isWord(part[end + 2], "DATE");
  return isDay ? { column, of_day: true, length: end + 3 } : null;
}

function between(subject: Subject, tokens: readonly Token[], now: Date): Condition[] {
  const and = tokens.findIndex((token) => isWord(token, "AND"));
  const [low, high] = [literalOf(tokens.slice(0, and), now), literalOf(tokens.slice(and + 1), now)];
  if (and < 0 || low === null || high === null) return [];
  return [...compared(subject, ">=", low), ...compared(subject, "<=", high)];
}

interface Literal {
  value: number | string;
  /** Made from now(): the engine's own is a little later, so it can bound from below only. */
  isClock?: boolean;
}

function compared(subject: Subject, comparison: Comparison, literal: Literal | null): Condition[] {
  if (literal === null || (literal.isClock && comparison !== ">" && comparison !== ">=")) return [];
  return [{ ...subject, comparison, value: literal.value }];
}

function isComparison(text: string): text is Comparison {
  return ["<", "<=", "=", ">=", ">"].includes(text);
}

function literalOf(tokens: readonly Token[], now: Date): Literal | null {
  const [first, second] = tokens;
  if (tokens.length === 1 && first.kind === "number") return numberOf(first.text);
  if (tokens.length === 2 && isSymbol(first, "-") && second.kind === "number") {
    return numberOf(`-${second.text}`);
  }
  if (tokens.length === 1 && first.kind === "string") return { value: first.text };
  if (tokens.length === 2 && second.kind === "string") return timeLiteral(first, second);
  const isCast = tokens.length === 4 && first.kind === "string" && isSymbol(second, ":") &&
    isSymbol(tokens[2], ":");
  return (isCast ? timeLiteral(tokens[3], first) : null) ?? clockOf(tokens, now);
}

/** Of a DATE only the day counts, also where a time of day stands behind it. */
function timeLiteral(type: Token, { text }: Token): Literal | null {
  if (isWord(type, "TIMESTAMP")) return { value: text };
  return isWord(type, "DATE") ? { value: text.replace(/[T ].*$/, "") } : null;
}

function numberOf(text: string): Literal | null {
  const value = Number(text.replaceAll("_", ""));
  return Number.isNaN(value) ? null : { value };
}

const CLOCK =
  /^(now \( \)|current_timestamp|current_date|today \( \))(?: - interval (?:'(\d+) ?([a-z]+)'|(?:'(\d+)'|(\d+)) ([a-z]+)))?$/;

/** `now()` and its kin, with an interval taken from it or not. */
function clockOf(tokens: readonly Token[], now: Date): Literal | null {
  const written = (token: Token) => token.kind === "string" ? `'${token.text}'` : token.text;
  const match = CLOCK.exec(tokens.map(written).join(" ").toLowerCase());
  if (!match) return null;
  const isDay = match[1].startsWith("current_date") || match[1].startsWith("today");
  const base = isDay ? Date.parse(now.toISOString().slice(0, 10)) : now.getTime();
  const amount = Number(match[2] ?? match[4] ?? match[5] ?? 0);
  const unit = UNITS[(match[3] ?? match[6] ?? "second").replace(/s$/, "")];
  if (unit === undefined) return null;
  const time = new Date(base - amount * unit * 1000);
  return Number.isNaN(time.getTime()) ? null : { value: time.toISOString(), isClock: true };
}

function depthAt(tokens: readonly Token[], at: number): number {
  return tokens.slice(0, at).reduce((depth, token) => depth + depthChange(token), 0);
}

function depthChange(token: Token): number {
  if (token.kind !== "symbol") return 0;
  return "([{".includes(token.text) ? 1 : ")]}".includes(token.text) ? -1 : 0;
}
