/**
 * Which tables and views does a text name? Answered from its tokens, without the engine, so that only their file lists
 * are loaded. It may name one too many (a column called like a table); it never misses one that the engine would find.
 */
import { SEARCH_PATH } from "./allowed_tree.ts";
import { isSymbol, isWord, type Token, tokensOf } from "./sql_text.ts";

/** A relation that exists: `stage.table`, with its text when it is a view over others. */
export interface KnownRelation {
  name: string;
  sql?: string;
}

/**
 * The known relations that a text of these tokens needs, those behind its views included, each view after what it stands
 * on. A text that asks which tables there are needs them all.
 */
export function relationsNamed<R extends KnownRelation>(tokens: readonly Token[], known: readonly R[]): R[] {
  const byName = new Map(known.map((relation) => [relation.name.toLowerCase(), relation]));
  const ordered = new Set<R>();
  const underWay = new Set<string>();
  const visit = (names: Iterable<string>) => {
    for (const name of names) {
      const relation = byName.get(name)!;
      if (ordered.has(relation) || underWay.has(name)) continue;
      underWay.add(name);
      if (relation.sql !== undefined) visit(sourcesIn(tokensOf(relation.sql), byName));
      underWay.delete(name);
      ordered.add(relation);
    }
  };
  visit(asksForAll(tokens) ? byName.keys() : namesIn(tokens, byName));
  return [...ordered];
}

function asksForAll(tokens: readonly Token[]): boolean {
  return tokens.some((token, at) => {
    if (token.kind === "number" || token.kind === "symbol") return false;
    if (token.text.toLowerCase() === "information_schema") return true;
    const before = tokens[at - 1];
    // ORDER BY x DESC asks for nothing.
    if (before !== undefined && !isSymbol(before, "(") && !isSymbol(before, ";")) return false;
    if (!isWord(token, "SHOW", "DESCRIBE", "DESC")) return false;
    const next = tokens[at + 1];
    return next === undefined || isSymbol(next, ")") || isSymbol(next, ";") || isWord(next, "ALL", "TABLES");
  });
}

type Names = ReadonlyMap<string, unknown>;

/** Names behind a dot count only after a stage: `t.alerts` is a column. */
function namesIn(tokens: readonly Token[], byName: Names): Set<string> {
  const found = new Set<string>();
  tokens.forEach(({ kind }, at) => {
    if (kind === "number" || kind === "symbol") return;
    for (const name of namesAt(tokens, at, byName)) found.add(name);
  });
  return found;
}

/** A view's text is ours: its sources are qualified, or stand right after FROM or JOIN. That keeps columns out. */
function sourcesIn(tokens: readonly Token[], byName: Names): Set<string> {
  const found = tokens.flatMap((_, at) => {
    const isSource = isSymbol(tokens[at - 1], ".") || isWord(tokens[at - 1], "FROM", "JOIN");
    return isSource ? namesAt(tokens, at, byName) : [];
  });
  return new Set(found);
}

function namesAt(tokens: readonly Token[], at: number, byName: Names): string[] {
  const token = tokens[at];
  if (token.kind === "number" || token.kind === "symbol") return [];
  const qualifier = isSymbol(tokens[at - 1], ".") ? tokens[at - 2]?.text.toLowerCase() : undefined;
  const stages = SEARCH_PATH.filter((stage) => qualifier === undefined || qualifier === stage);
  return stages.map((stage) => `${stage}.${token.text.toLowerCase()}`).filter((name) => byName.has(name));
}

/** Every `stage.table` in a text, in the order in which they are first named. */
export function qualifiedNames(sql: string): string[] {
  const tokens = tokensOf(sql);
  const found = new Set<string>();
  tokens.forEach((token, at) => {
    const stage = tokens[at - 2]?.text.toLowerCase();
    const isNamed = isSymbol(tokens[at - 1], ".") && SEARCH_PATH.some((one) => one === stage);
    if (isNamed && token.kind !== "symbol") found.add(`${stage}.${token.text.toLowerCase()}`);
  });
  return [...found];
}
