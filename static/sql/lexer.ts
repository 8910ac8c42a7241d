/**
 * Takes SQL apart into words, texts and signs, as DuckDB does. Pure: the editor needs it at every key, before the
 * engine is there.
 *
 * Knows '..' with '' inside, E'..' with backslashes, "..", $tag$..$tag$, -- and nested block comments. A text without
 * its end runs to the end of the input, so that nothing after it is mistaken for code.
 */

export type TokenKind = "word" | "quoted" | "string" | "number" | "comment" | "parameter" | "sign";

export interface Token {
  kind: TokenKind;
  from: number;
  to: number;
  /** As written; for a quoted identifier without its quotes, for a parameter without its colon. */
  text: string;
}

const SPACE = /\s+/y;
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const NUMBER = /(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const LINE_COMMENT = /--[^\n]*/y;
const QUOTED = /"(?:[^"]|"")*(?:"|$)/y;
const STRING = /'(?:[^']|'')*(?:'|$)/y;
const ESCAPED = /[eE]'(?:[^'\\]|\\[^]|'')*(?:'|$)/y;
const DOLLAR = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const PARAMETER = /:[A-Za-z_][A-Za-z0-9_]*/y;

export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  const brackets: string[] = [];
  let at = 0;
  while (at < sql.length) {
    const space = match(SPACE, sql, at);
    if (space > at) {
      at = space;
      continue;
    }
    const token = next(sql, at, brackets);
    follow(token, brackets);
    tokens.push(token);
    at = token.to;
  }
  return tokens;
}

function next(sql: string, at: number, brackets: readonly string[]): Token {
  const made = (kind: TokenKind, to: number, text = sql.slice(at, to)): Token => ({
    kind,
    from: at,
    to,
    text,
  });
  const character = sql[at];
  if (character === "-" && sql[at + 1] === "-") return made("comment", match(LINE_COMMENT, sql, at));
  if (character === "/" && sql[at + 1] === "*") return made("comment", blockEnd(sql, at));
  if (character === "'") return made("string", match(STRING, sql, at));
  if (character === '"') return quoted(sql, at);
  if (character === "$") {
    const tagEnd = match(DOLLAR, sql, at);
    if (tagEnd > at) return made("string", dollarEnd(sql, at, tagEnd));
  }
  const escaped = match(ESCAPED, sql, at);
  if (escaped > at) return made("string", escaped);
  const word = match(WORD, sql, at);
  if (word > at) return made("word", word);
  const number = match(NUMBER, sql, at);
  if (number > at) return made("number", number);
  // Inside [..] and {..} a colon belongs to a slice or a struct, after another colon to a cast, behind a name to an alias
  // or a lambda.
  const mayBeParameter = character === ":" && !brackets.some((one) => one !== "(");
  if (mayBeParameter && sql[at + 1] !== ":" && !/[\p{L}\p{N}_":]/u.test(sql[at - 1] ?? "")) {
    const parameter = match(PARAMETER, sql, at);
    if (parameter > at) return made("parameter", parameter, sql.slice(at + 1, parameter));
  }
  if (character === ":" && sql[at + 1] === ":") return made("sign", at + 2);
  return made("sign", at + (sql.codePointAt(at)! > 0xffff ? 2 : 1));
}

function follow(token: Token, brackets: string[]): void {
  if (token.kind !== "sign") return;
  if ("([{".includes(token.text)) brackets.push(token.text);
  else if (")]}".includes(token.text)) brackets.pop();
}

function quoted(sql: string, at: number): Token {
  const to = match(QUOTED, sql, at);
  const inner = sql.slice(at + 1, sql[to - 1] === '"' && to - 1 > at ? to - 1 : to);
  return { kind: "quoted", from: at, to, text: inner.replaceAll('""', '"') };
}

function blockEnd(sql: string, at: number): number {
  let depth = 0;
  let place = at;
  while (place < sql.length) {
    if (sql.startsWith("/*", place)) {
      depth += 1;
      place += 2;
    } else if (sql.startsWith("*/", place)) {
      depth -= 1;
      place += 2;
      if (depth === 0) return place;
    } else place += 1;
  }
  return sql.length;
}

function dollarEnd(sql: string, at: number, tagEnd: number): number {
  const tag = sql.slice(at, tagEnd);
  const end = sql.indexOf(tag, tagEnd);
  return end < 0 ? sql.length : end + tag.length;
}

/** Where the sticky pattern ends when it matches at `at`, else `at`. */
function match(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}
