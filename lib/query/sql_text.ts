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

const SPACE = /[\s\u00a0\u2000-\u200a\u202f\u205f\u3000\ufeff]/;
const WORD_START = /[A-Za-z_\u0080-\uffff]/;
const WORD = /[A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?)/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

/** All tokens but white space and comments. An unclosed string or comment runs to the end of the text. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
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
  if (SPACE.test(sql[at])) return at + 1;
  if (sql.startsWith("--", at)) {
    const end = sql.slice(at).search(/[\n\r]/);
    return end < 0 ? sql.length : at + end + 1;
  }
  if (!sql.startsWith("/*", at)) return at;
  let depth = 0;
  for (let i = at; i < sql.length; i++) {
    if (sql.startsWith("/*", i)) {
      depth++;
      i++;
    } else if (sql.startsWith("*/", i)) {
      depth--;
      i++;
      if (depth === 0) return i + 1;
    }
  }
  return sql.length;
}

function tokenAt(sql: string, start: number): Token {
  const first = sql[start];
  if (first === "'") return quoted(sql, start, start + 1, "'", "string", false);
  if (/[eE]/.test(first) && sql[start + 1] === "'") {
    return quoted(sql, start, start + 2, "'", "escaped_string", true);
  }
  if (first === '"') return quoted(sql, start, start + 1, '"', "quoted_name", false);
  const tag = first === "$" ? matchAt(DOLLAR_TAG, sql, start) : "";
  if (tag !== "") {
    const close = sql.indexOf(tag, start + tag.length);
    const end = close < 0 ? sql.length : close + tag.length;
    const text = sql.slice(start + tag.length, close < 0 ? sql.length : close);
    return { kind: "string", text, start, end };
  }
  const number = /[0-9]/.test(first) ? matchAt(NUMBER, sql, start) : "";
  if (number !== "") return { kind: "number", text: number, start, end: start + number.length };
  const word = WORD_START.test(first) ? matchAt(WORD, sql, start) : "";
  if (word !== "") return { kind: "word", text: word, start, end: start + word.length };
  return { kind: "symbol", text: first, start, end: start + 1 };
}

function matchAt(pattern: RegExp, sql: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0] ?? "";
}

function quoted(
  sql: string,
  start: number,
  from: number,
  quote: string,
  kind: TokenKind,
  escapes: boolean,
): Token {
  let text = "";
  for (let i = from; i < sql.length; i++) {
    if (escapes && sql[i] === "\\" && i + 1 < sql.length) text += sql[++i];
    else if (sql[i] !== quote) text += sql[i];
    else if (sql[i + 1] === quote) text += sql[i++];
    else return { kind, text, start, end: i + 1 };
  }
  return { kind, text, start, end: sql.length };
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
