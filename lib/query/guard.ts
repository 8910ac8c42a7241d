/**
 * Decides whether a text is one harmless question: a single reading statement over the relations it was given.
 *
 * The judgement is made on DuckDB's own parse tree (`json_serialize_sql`, which itself accepts nothing but SELECT in
 * its many spellings), walked with lists of what is allowed: a kind of node that nobody thought of is refused. The
 * locked-down engine behind it is the second wall. Deliberately not judged here: whether columns exist, and cost.
 */
import { Fault } from "../errors.ts";
import { treeRefusal } from "./allowed_tree.ts";
import { meansLimit, queryFault, type Refusal } from "./refusal.ts";
import { isSymbol, isWord, type Token, tokensOf } from "./sql_text.ts";

export const MAX_SQL_BYTES = 1024 * 1024;
/** The engine's parser: a statement's tree as JSON text. */
export type SerializeSql = (sql: string) => Promise<string>;

/** A statement that may run. `sql` is one statement without its closing semicolon. */
export interface Admitted {
  sql: string;
}

/** Rejects with a Fault ("refused" or "syntax") unless `sql` is one reading statement over `relations`. */
export async function guard(
  sql: string,
  relations: Iterable<string>,
  serialize: SerializeSql,
): Promise<Admitted> {
  if (sql.length > MAX_SQL_BYTES || new TextEncoder().encode(sql).length > MAX_SQL_BYTES) {
    throw new Fault("limit", `Cannot run the query: its text is over ${MAX_SQL_BYTES} bytes`, {
      blame: "sender",
      retry: "never",
    });
  }
  if (sql.includes("\0")) throw queryFault(sql, { code: "refused", reason: "it holds a NUL character" });
  const { tokens, end } = oneStatement(sql);
  const question = withoutExplain(sql, tokens);
  const known = new Set([...relations].map((name) => name.toLowerCase()));
  const judged = sql.slice(question.start, end);
  let tree = parseTree(await serialize(judged));
  if (isNotSelect(tree)) tree = parseTree(await serialize(withPivotLists(judged)));
  const refusal = parseRefusal(tree, tokens[question.first]) ?? treeRefusal(tree.statements ?? [], known);
  if (refusal) throw queryFault(sql, refusal, question.start);
  return { sql: sql.slice(0, end) };
}

/** The text up to its last semicolons; a semicolon before anything else means two statements. */
function oneStatement(sql: string): { tokens: Token[]; end: number } {
  const tokens = tokensOf(sql);
  let end = sql.length;
  while (isSymbol(tokens.at(-1), ";")) end = tokens.pop()!.start;
  const second = tokens.findIndex((token) => isSymbol(token, ";"));
  if (tokens.length === 0) throw queryFault(sql, { code: "syntax", reason: "it is empty" });
  if (second >= 0) {
    const byte = new TextEncoder().encode(sql.slice(0, tokens[second].start)).length;
    throw queryFault(sql, { code: "refused", reason: "only one statement may run at a time", byte });
  }
  return { tokens, end };
}

/** EXPLAIN shows a plan, EXPLAIN ANALYZE also runs the statement: what counts is the statement behind it. */
function withoutExplain(sql: string, tokens: readonly Token[]): { start: number; first: number } {
  if (!isWord(tokens[0], "EXPLAIN")) return { start: 0, first: 0 };
  let first = 1;
  if (isWord(tokens[first], "ANALYZE", "ANALYSE")) first++;
  if (isSymbol(tokens[first], "(") && !isWord(tokens[first + 1], "SELECT", "FROM", "WITH", "VALUES")) {
    while (first < tokens.length && !isSymbol(tokens[first], ")")) first++;
    first++;
  }
  return { start: tokens[first]?.start ?? sql.length, first };
}

/**
 * PIVOT without a list of values is no SELECT to the serialiser, because the engine first asks which values exist.
 * For judging, and for judging only, such a list is put in. What is put in holds no quote and no comment sign, so it
 * cannot change how the rest of the text is read, whatever these tokens mistake; what runs is the text as it was.
 */
function withPivotLists(sql: string): string {
  const tokens = tokensOf(sql);
  const pieces: string[] = [];
  let copied = 0;
  /** Where in a PIVOT the text is, outside and within each bracket that is open. */
  const levels: PivotPart[] = [];
  for (let at = 0; at <= tokens.length; at++) {
    const token = tokens[at];
    const part = levels.pop() ?? "none";
    if (part === "on" && (endsPivotOn(token) || isSymbol(token, ","))) {
      const { end } = tokens[at - 1];
      pieces.push(sql.slice(copied, end), " IN (0)");
      copied = end;
    }
    if (!isClosing(token)) levels.push(nextPart(part, token));
    if (isSymbol(token, "(") || isSymbol(token, "[")) levels.push("none");
  }
  return pieces.join("") + sql.slice(copied);
}

/** "listed": in an ON expression behind its IN. */
type PivotPart = "none" | "source" | "on" | "listed";

function nextPart(part: PivotPart, token: Token | undefined): PivotPart {
  if (part === "none" || part === "source") {
    if (isWord(token, "PIVOT", "PIVOT_WIDER")) return "source";
    return part === "source" && isWord(token, "ON") ? "on" : part;
  }
  if (endsPivotOn(token)) return "none";
  if (isSymbol(token, ",")) return "on";
  return isWord(token, "IN") ? "listed" : part;
}

function endsPivotOn(token: Token | undefined): boolean {
  return token === undefined || isClosing(token) ||
    isWord(token, "USING", "GROUP", "ORDER", "LIMIT", "OFFSET", "UNION");
}

function isClosing(token: Token | undefined): boolean {
  return isSymbol(token, ")") || isSymbol(token, "]");
}

interface Tree {
  error?: boolean;
  error_type?: string;
  error_message?: string;
  position?: string;
  statements?: readonly unknown[];
}

/** The engine writes infinities and NaN of constants as bare words, which is no JSON: they are data, so null does. */
const BARE_WORDS = /"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN|inf|nan)\b/g;

function parseTree(json: string): Tree {
  try {
    return JSON.parse(json) as Tree;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return JSON.parse(json.replace(BARE_WORDS, (found) => found.startsWith('"') ? found : "null")) as Tree;
  }
}

function isNotSelect(tree: Tree): boolean {
  return tree.error === true && tree.error_type === "not implemented";
}

function parseRefusal(tree: Tree, first: Token | undefined): Refusal | null {
  if (isNotSelect(tree)) {
    const word = first?.kind === "word" ? first.text.toUpperCase() : "this statement";
    return {
      code: "refused",
      reason:
        `${word} is not allowed: only SELECT, WITH, FROM, VALUES, PIVOT, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN are`,
    };
  }
  if (tree.error) {
    const byte = tree.position === undefined ? undefined : Number(tree.position);
    const reason = tree.error_message ?? "it cannot be parsed";
    if (meansLimit(reason)) return { code: "limit", reason, byte };
    // The one reading of these words: the parser found a statement that changes data where only a SELECT may stand.
    return { code: reason === "A CTE needs a SELECT" ? "refused" : "syntax", reason, byte };
  }
  if (tree.statements?.length === 1) return null;
  return { code: "refused", reason: "only one statement may run at a time" };
}
