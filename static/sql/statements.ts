/** Splits SQL into statements and finds the one at a place. Pure. */
import { type Token, tokensOf } from "./lexer.ts";

export interface Statement {
  /** Without the closing semicolon and without spaces and comments around it. */
  text: string;
  /** Where `text` stands in the whole. */
  from: number;
  to: number;
  tokens: readonly Token[];
}

/** The statements of a text in order; comments alone and empty statements are none. */
export function statementsOf(sql: string): Statement[] {
  const statements: Statement[] = [];
  let open: Token[] = [];
  const close = () => {
    const code = open.filter((token) => token.kind !== "comment");
    if (code.length > 0) {
      const [from, to] = [code[0].from, code[code.length - 1].to];
      statements.push({ text: sql.slice(from, to), from, to, tokens: code });
    }
    open = [];
  };
  for (const token of tokensOf(sql)) {
    if (token.kind === "sign" && token.text === ";") close();
    else open.push(token);
  }
  close();
  return statements;
}

/** The statement that the cursor is in or behind; null when there is none at all. */
export function statementAt(sql: string, cursor: number): Statement | null {
  const statements = statementsOf(sql);
  const inside = statements.find((one) => cursor >= one.from && cursor <= one.to);
  if (inside) return inside;
  const before = statements.filter((one) => one.to < cursor).at(-1);
  const after = statements.find((one) => one.from > cursor);
  if (!before || !after) return before ?? after ?? null;
  // Between two statements the nearer line wins, and the one before when the cursor stands on its line.
  const isOnLineOfBefore = !sql.slice(before.to, cursor).includes("\n");
  return isOnLineOfBefore || !sql.slice(before.to, cursor).includes(";") ? before : after;
}

const READS = new Set([
  "select",
  "with",
  "from",
  "values",
  "table",
  "pivot",
  "unpivot",
  "describe",
  "show",
  "summarize",
  "explain",
  "pragma",
  "call",
  "execute",
]);

/** Whether a statement gives rows for the grid, judged by its first word. */
export function isRead(statement: Statement): boolean {
  const first = statement.tokens[0];
  if (first.kind === "sign") return first.text === "(";
  return first.kind === "word" && READS.has(first.text.toLowerCase());
}
