/**
 * SQL as a row of tokens: enough to see where comments, strings and names begin and end, and nothing more.
 *
 * It follows DuckDB's lexer: nested block comments, E'' escapes, $tag$ quotes, doubled quotes. What a statement
 * means is never decided here (the guard asks DuckDB's own parser); tokens serve to find names and places.
 */

export type TokenKind = "word" | "quoted_name" | "string" | "escaped_string" | "number" | "symbol";

export interface Token {
  kind: TokenKind;
  /** The bare content: a quoted name without its quotes, a word as written; of an E'' string its escapes unread. */
  text: string;
  /** UTF-16 offsets into the statement. */
  start: number;
  end: number;
}

const SPACES = /[\s\u00a0\u2000-\u200a\u202f\u205f\u3000\ufeff]+/y;
const LINE_COMMENT = /--[^\n\r]*[\n\r]?/y;
const BLOCK_EDGE = /\/\*|\*\//g;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER = /0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

/**
 * All tokens but white space and comments. An unclosed string or comment runs to the end of the text. Each character is
 * looked at a few times, by the platform: a megabyte is nothing to stop a server for.
 */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length;) {
    const blank = endOfBlank(sql, at);
    if (blank > at) {
      at = blank;
      continue;
    }
    const token = tokenAt(sql, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

/** The end of the white space or the comment that starts at `at`; `at` itself when there is none. */
function endOfBlank(sql: string, at: number): number {
  const next = sql[at];
  if (next === "-") return endOf(LINE_COMMENT, sql, at);
  if (next !== "/") return endOf(SPACES, sql, at);
  if (sql[at + 1] !== "*") return at;
  BLOCK_EDGE.lastIndex = at;
  for (let depth = 0; BLOCK_EDGE.test(sql);) {
    const end = BLOCK_EDGE.lastIndex;
    depth += sql[end - 1] === "*" ? 1 : -1;
    if (depth === 0) return end;
  }
  return sql.length;
}

function tokenAt(sql: string, start: number): Token {
  const first = sql[start];
  if (first === "'") return quoted(sql, start, "'", "string");
  if (first === '"') return quoted(sql, start, '"', "quoted_name");
  if ((first === "e" || first === "E") && sql[start + 1] === "'") return escaped(sql, start);
  const opened = first === "$" ? endOf(DOLLAR_TAG, sql, start) : start;
  if (opened > start) {
    const tag = sql.slice(start, opened);
    const close = sql.indexOf(tag, opened);
    if (close < 0) return { kind: "string", text: sql.slice(opened), start, end: sql.length };
    return { kind: "string", text: sql.slice(opened, close), start, end: close + tag.length };
  }
  const word = endOf(WORD, sql, start);
  if (word > start) return { kind: "word", text: sql.slice(start, word), start, end: word };
  const number = endOf(NUMBER, sql, start);
  if (number > start) return { kind: "number", text: sql.slice(start, number), start, end: number };
  return { kind: "symbol", text: first, start, end: start + 1 };
}

/** Where what matches at `at` ends; `at` itself when nothing does. */
function endOf(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}

function quoted(sql: string, start: number, quote: string, kind: TokenKind): Token {
  let close = sql.indexOf(quote, start + 1);
  while (close >= 0 && sql[close + 1] === quote) close = sql.indexOf(quote, close + 2);
  const text = sql.slice(start + 1, close < 0 ? sql.length : close).replaceAll(quote + quote, quote);
  return { kind, text, start, end: close < 0 ? sql.length : close + 1 };
}

const ESCAPED = /\\[^]|''|[^'\\]+/y;

/** E'...': what a backslash stands before is no end. */
function escaped(sql: string, start: number): Token {
  const pieces: string[] = [];
  let at = start + 2;
  for (let end = endOf(ESCAPED, sql, at); end > at; end = endOf(ESCAPED, sql, at)) {
    const isPair = sql[at] === "\\" || sql[at] === "'";
    pieces.push(sql.slice(isPair ? at + 1 : at, end));
    at = end;
  }
  // A backslash at the very end escapes nothing.
  const isClosed = sql[at] === "'";
  if (!isClosed) pieces.push(sql.slice(at));
  return { kind: "escaped_string", text: pieces.join(""), start, end: isClosed ? at + 1 : sql.length };
}

/** Whether the token is this keyword, written without quotes in any case. */
export function isWord(token: Token | undefined, ...words: string[]): boolean {
  return token?.kind === "word" && words.includes(token.text.toUpperCase());
}

export function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === "symbol" && token.text === text;
}

export interface Place {
  /** Counted from 1. */
  line: number;
  /** Counted from 1, in UTF-16 units, as editors count. */
  column: number;
}

/** Line and column of a UTF-16 offset. */
export function placeOf(sql: string, offset: number): Place {
  const before = sql.slice(0, Math.max(0, Math.min(offset, sql.length))).split(/\r\n|\n|\r/);
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

/** DuckDB counts places in UTF-8 bytes; texts here count in UTF-16 units. */
export function offsetOfByte(sql: string, byte: number): number {
  let bytes = 0;
  let offset = 0;
  for (const character of sql) {
    if (bytes >= byte) break;
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    offset += character.length;
  }
  return offset;
}
