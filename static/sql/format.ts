/**
 * Lays a statement out: a clause a line, conditions and list items indented, keywords in capitals. Pure.
 *
 * Only white space and the case of keywords change; texts, comments and identifiers stay as they were written.
 */
import { type Token, tokensOf } from "./lexer.ts";

const CLAUSES = new Set([
  "select",
  "from",
  "where",
  "having",
  "limit",
  "offset",
  "qualify",
  "union",
  "intersect",
  "except",
  "with",
  "values",
  "window",
  "returning",
]);
const JOINS = new Set([
  "join",
  "left",
  "right",
  "inner",
  "full",
  "cross",
  "asof",
  "semi",
  "anti",
  "natural",
  "positional",
]);
const CAPITALS = new Set(
  ("select from where having limit offset qualify union intersect except with values window returning join left right inner full " +
    "outer cross asof semi anti natural on using as and or not in is null like ilike between case when then else end distinct all " +
    "group order by partition over rows range preceding following current row unbounded filter asc desc nulls first last recursive exists exclude replace explain " +
    "analyze describe summarize pivot unpivot interval cast true false").split(" "),
);
const NO_SPACE_BEFORE = new Set([",", ")", "]", "}", ";", ".", "::", ":"]);
const NO_SPACE_AFTER = new Set(["(", "[", "{", ".", "::"]);

interface Writer {
  text: string;
  /** For each open bracket, whether it holds a query of its own. */
  brackets: boolean[];
  /** Inside SELECT list or WHERE of the innermost query: what a comma or AND at its level does. */
  breaksAt: number;
}

export function formatSql(sql: string): string {
  const tokens = tokensOf(sql);
  const writer: Writer = { text: "", brackets: [], breaksAt: 0 };
  for (const [at, token] of tokens.entries()) write(writer, token, tokens[at - 1], tokens[at + 1], sql);
  return `${writer.text.trim()}\n`;
}

function write(
  writer: Writer,
  token: Token,
  before: Token | undefined,
  after: Token | undefined,
  sql: string,
): void {
  const raw = sql.slice(token.from, token.to);
  const word = token.kind === "word" ? raw.toLowerCase() : "";
  const isMember = before?.text === "." && before.kind === "sign";
  const text = CAPITALS.has(word) && !isMember && after?.text !== "." ? raw.toUpperCase() : raw;
  const depth = queryDepth(writer);
  if (token.kind === "comment") return comment(writer, text, before, sql, token);
  if (token.kind === "sign" && ")]}".includes(text)) closeBracket(writer);
  else if (before && startsLine(word, before, writer) && !isMember) newLine(writer, depth);
  else if (before && (word === "and" || word === "or") && isOutside(writer) && !isBetween(writer)) {
    newLine(writer, depth + 1);
  } else if (before && needsSpace(before, token, writer)) writer.text += " ";
  writer.text += text;
  if (token.kind === "sign" && "([{".includes(text)) writer.brackets.push(text === "(" && isQuery(after));
  if (text === "," && isOutside(writer)) newLine(writer, queryDepth(writer) + 1);
  if (text === ";") writer.text += "\n\n";
  if (text === "(" && isQuery(after)) newLine(writer, queryDepth(writer));
}

function comment(writer: Writer, text: string, before: Token | undefined, sql: string, token: Token): void {
  const isOwnLine = !before || sql.slice(before.to, token.from).includes("\n");
  if (isOwnLine && writer.text !== "" && !writer.text.endsWith("\n")) newLine(writer, queryDepth(writer));
  else if (!isOwnLine) writer.text += " ";
  writer.text += text;
  if (text.startsWith("--") || isOwnLine) writer.text += "\n";
}

function closeBracket(writer: Writer): void {
  if (writer.brackets.pop()) newLine(writer, queryDepth(writer));
}

function startsLine(word: string, before: Token, writer: Writer): boolean {
  if (!isOutside(writer)) return false;
  if (CLAUSES.has(word)) return !(word === "values" && before.text === "(") && before.text !== "(";
  if (word === "group" || word === "order") return before.text !== "(";
  const beforeWord = before.kind === "word" ? before.text.toLowerCase() : "";
  return JOINS.has(word) && !JOINS.has(beforeWord) && beforeWord !== "outer";
}

/** Directly in a query, not inside a call, a list or an expression in brackets. */
function isOutside(writer: Writer): boolean {
  return writer.brackets.length === 0 || writer.brackets[writer.brackets.length - 1];
}

function isBetween(writer: Writer): boolean {
  return /\bBETWEEN\s+\S+$/.test(writer.text.slice(-80)) ||
    /\bBETWEEN\s+[A-Z]+\s+'[^']*'$/.test(writer.text.slice(-80));
}

function queryDepth(writer: Writer): number {
  return writer.brackets.filter(Boolean).length;
}

function isQuery(token: Token | undefined): boolean {
  return token?.kind === "word" && ["select", "with", "from", "values"].includes(token.text.toLowerCase());
}

function needsSpace(before: Token, token: Token, writer: Writer): boolean {
  if (/\s$/.test(writer.text)) return false;
  if (NO_SPACE_BEFORE.has(token.text) && token.kind === "sign") return false;
  if (NO_SPACE_AFTER.has(before.text) && before.kind === "sign") return false;
  if (token.text === "(" && before.kind !== "sign") {
    return CAPITALS.has(before.text.toLowerCase()) && before.kind === "word";
  }
  if (token.text === "[" && before.kind !== "sign") return false;
  return !isJoinedSign(before, token);
}

/** Signs that were written as one, like >= and ->>, stay together; so does a sign with its number. */
function isJoinedSign(before: Token, token: Token): boolean {
  return before.to === token.from && before.kind === "sign" &&
    (token.kind === "sign" || "-+".includes(before.text)) &&
    !"()[]{},".includes(before.text) && !"()[]{},".includes(token.text);
}

function newLine(writer: Writer, depth: number): void {
  writer.text = `${writer.text.trimEnd()}\n${"  ".repeat(depth)}`;
}
