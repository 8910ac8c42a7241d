/** Which known tables a statement may read, by the names that stand in it. Pure. */
import { type Token, tokensOf } from "./lexer.ts";

/** Order in which an unqualified name is looked for. */
export const STAGES = ["processed", "analytics", "raw"] as const;

const ASKS_FOR_ALL = new Set([
  "show",
  "information_schema",
  "duckdb_tables",
  "duckdb_views",
  "duckdb_columns",
]);

/** Words of a relation's qualified name by every form in which it may be written, in lower case. */
export class NameIndex {
  #names = new Map<string, string>();

  /** `names` are `stage.table`. */
  constructor(names: readonly string[]) {
    for (const stage of [...STAGES].reverse()) {
      for (const name of names) {
        if (name.startsWith(`${stage}.`)) this.#names.set(name.slice(stage.length + 1).toLowerCase(), name);
      }
    }
    for (const name of names) this.#names.set(name.toLowerCase(), name);
  }

  /** The qualified name that `written` (its parts, outermost first) means; null when it is not ours. */
  find(written: readonly string[]): string | null {
    for (let from = 0; from < written.length; from++) {
      for (let length = Math.min(2, written.length - from); length > 0; length--) {
        const found = this.#names.get(written.slice(from, from + length).join(".").toLowerCase());
        if (found) return found;
      }
    }
    return null;
  }

  all(): string[] {
    return [...new Set(this.#names.values())];
  }
}

/**
 * Tables that a statement may read: every dotted name that is known, wherever it stands. It may name one too many (a
 * column called like a table), never one too few.
 */
export function tablesIn(sql: string, index: NameIndex): string[] {
  const found = new Set<string>();
  const tokens = tokensOf(sql).filter((token) => token.kind !== "comment");
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token.kind !== "word" && token.kind !== "quoted") continue;
    if (token.kind === "word" && ASKS_FOR_ALL.has(token.text.toLowerCase())) return index.all();
    const parts = dotted(tokens, at);
    at += (parts.length - 1) * 2;
    if (tokens[at + 1]?.text === "(" && token.kind === "word") continue;
    const name = index.find(parts);
    if (name) found.add(name);
  }
  return [...found];
}

/** The parts of the dotted name that begins at `at`. */
export function dotted(tokens: readonly Token[], at: number): string[] {
  const parts = [tokens[at].text];
  let place = at;
  while (tokens[place + 1]?.text === "." && isName(tokens[place + 2])) {
    place += 2;
    parts.push(tokens[place].text);
  }
  return parts;
}

function isName(token: Token | undefined): boolean {
  return token?.kind === "word" || token?.kind === "quoted";
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
