/** Finds where in the editor an engine's error belongs. Pure. */

export interface TextRange {
  from: number;
  to: number;
}

/**
 * The place of an error that ends in `LINE n: excerpt` and a line with a caret, in a statement that begins at `start`.
 * The excerpt may be cut at both ends with `...`. Without such lines it is the whole statement.
 */
export function placeOfFault(message: string, statement: string, start: number): TextRange {
  const whole = { from: start, to: start + statement.length };
  const match = /^LINE (\d+): (.*)\n( *)\^/m.exec(message);
  if (!match) return whole;
  const [, line, shown, blanks] = match;
  const prefix = `LINE ${line}: `.length;
  const offset = lineStart(statement, Number(line));
  if (offset === null) return whole;
  const text = statement.slice(offset).split("\n", 1)[0];
  const before = shown.startsWith("...") ? 3 : 0;
  const excerpt = shown.slice(before, shown.endsWith("...") ? -3 : undefined);
  const found = text.indexOf(excerpt);
  if (found < 0) return whole;
  return wordAt(statement, offset + found + indexAfter(excerpt, blanks.length - prefix - before), start);
}

/** The place of an error that says its line and column, both from 1. */
export function placeAt(statement: string, line: number, column: number): TextRange {
  const offset = lineStart(statement, line);
  return offset === null ? { from: 0, to: statement.length } : wordAt(statement, offset + column - 1, 0);
}

/** What begins there; the last character when the end is at fault. */
function wordAt(statement: string, at: number, start: number): TextRange {
  const word = /^("[^"]*"|'[^']*'|[\p{L}\p{N}_$]+|[^\s])/u.exec(statement.slice(at))?.[0] ?? "";
  const to = start + statement.length;
  if (word === "") return { from: to - Math.min(1, statement.length), to };
  return { from: start + at, to: start + at + word.length };
}

/** Takes two columns of a terminal, for which the caret is meant. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u;

/** Where so many columns of a terminal end. */
function indexAfter(text: string, columns: number): number {
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    if (columns <= 0) return index;
    columns -= WIDE.test(segment) ? 2 : 1;
  }
  return text.length;
}

function lineStart(text: string, line: number): number | null {
  let at = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf("\n", at);
    if (next < 0) return null;
    at = next + 1;
  }
  return at;
}

/** The message for people: without the excerpt, which the editor shows in place. */
export function sentenceOf(message: string): string {
  return message.replace(/^Error: /, "").replace(/\n+LINE \d+: [^]*$/, "").trim();
}
