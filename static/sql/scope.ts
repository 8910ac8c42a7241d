/**
 * What a statement can name where it is being written: its relations with their aliases, its CTEs with their columns.
 * Pure, and made for statements that are not finished: it reads tokens, not a grammar, and looks at the whole statement.
 */
import { dotted } from "./names.ts";
import { type Token, tokensOf } from "./lexer.ts";

export interface ScopedRelation {
  /** The name as written, its parts joined by dots. */
  name: string;
  alias: string | null;
}

export interface ScopedCte {
  name: string;
  /** Columns that its SELECT names; a star is in `relations`. */
  columns: string[];
  /** Relations whose columns come through a star. */
  starred: ScopedRelation[];
}

export interface Scope {
  relations: ScopedRelation[];
  ctes: ScopedCte[];
}

const BEFORE_RELATION = new Set(["from", "join", "describe", "summarize", "into", "pivot", "unpivot"]);
const NO_ALIAS = new Set(
  ("where group order having limit join left right inner outer full cross on using union intersect except window " +
    "qualify sample select natural asof semi anti positional lateral as offset fetch set values from when then")
    .split(" "),
);

export function scopeOf(sql: string): Scope {
  const tokens = tokensOf(sql).filter((token) => token.kind !== "comment");
  const derived = derivedOf(tokens);
  return {
    relations: [...relationsOf(tokens), ...derived.map(({ name }) => ({ name, alias: null }))],
    ctes: [...ctesOf(tokens), ...derived],
  };
}

/** `FROM (SELECT ...) name`: a table that only this statement has, like a CTE. */
function derivedOf(tokens: readonly Token[]): ScopedCte[] {
  const found: ScopedCte[] = [];
  for (let at = 1; at < tokens.length; at++) {
    const before = tokens[at - 1];
    const isRelation = before.text === "," || (isWord(before) && BEFORE_RELATION.has(lower(before)));
    if (!isRelation || !isSign(tokens[at], "(")) continue;
    const { inside, end } = insideOf(tokens, at);
    const alias = aliasAt(tokens, end + 1);
    const isQuery = isWord(inside[0]) && ["select", "from", "with"].includes(lower(inside[0]));
    if (alias && isQuery) found.push(queryAs(alias.name, inside));
  }
  return found;
}

/** The columns that a query gives under a name. */
function queryAs(name: string, inside: readonly Token[]): ScopedCte {
  return { name, columns: selectedColumns(inside), starred: hasStar(inside) ? relationsOf(inside) : [] };
}

function relationsOf(tokens: readonly Token[]): ScopedRelation[] {
  const found: ScopedRelation[] = [];
  for (let at = 0; at < tokens.length; at++) {
    if (!isWord(tokens[at]) || !BEFORE_RELATION.has(lower(tokens[at]))) continue;
    let place = at + 1;
    while (place < tokens.length && isName(tokens[place])) {
      const parts = dotted(tokens, place);
      place += parts.length * 2 - 1;
      const alias = aliasAt(tokens, place);
      if (!NO_ALIAS.has(parts[0].toLowerCase())) {
        found.push({ name: parts.join("."), alias: alias?.name ?? null });
      }
      place = alias?.next ?? place;
      if (tokens[place]?.text !== ",") break;
      place += 1;
    }
  }
  return found;
}

function aliasAt(tokens: readonly Token[], at: number): { name: string; next: number } | null {
  const hasAs = isWord(tokens[at]) && lower(tokens[at]) === "as";
  const token = tokens[hasAs ? at + 1 : at];
  if (!isName(token)) return null;
  if (!hasAs && token.kind === "word" && NO_ALIAS.has(lower(token))) return null;
  return { name: token.text, next: at + (hasAs ? 2 : 1) };
}

function ctesOf(tokens: readonly Token[]): ScopedCte[] {
  const found: ScopedCte[] = [];
  for (let at = 1; at < tokens.length; at++) {
    if (!isName(tokens[at]) || !followsWith(tokens, at)) continue;
    let place = at + 1;
    const named = tokens[place]?.text === "(" ? insideOf(tokens, place) : null;
    if (named) place = named.end + 1;
    if (!isWord(tokens[place]) || lower(tokens[place]) !== "as") continue;
    while (isWord(tokens[place + 1])) place += 1;
    if (tokens[place + 1]?.text !== "(") continue;
    const body = insideOf(tokens, place + 1);
    const name = tokens[at].text;
    found.push(
      named
        ? { name, columns: named.inside.filter(isName).map((token) => token.text), starred: [] }
        : queryAs(name, body.inside),
    );
  }
  return found;
}

/** Whether the name at `at` stands where a CTE is named: after WITH, WITH RECURSIVE or `),`. */
function followsWith(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1];
  if (isWord(before) && ["with", "recursive"].includes(lower(before))) return true;
  return before.text === "," && tokens[at - 2]?.text === ")";
}

/** The tokens between the bracket at `open` and its partner, or the end. */
function insideOf(tokens: readonly Token[], open: number): { inside: Token[]; end: number } {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (isSign(tokens[at], "(")) depth += 1;
    else if (isSign(tokens[at], ")")) depth -= 1;
    if (depth === 0) return { inside: tokens.slice(open + 1, at), end: at };
  }
  return { inside: tokens.slice(open + 1), end: tokens.length };
}

/** Names that the first SELECT list gives: its aliases, and columns that stand alone. */
export function selectedColumns(tokens: readonly Token[]): string[] {
  const columns: string[] = [];
  for (const item of selectItems(tokens)) {
    const last = item.at(-1);
    if (!last || !isName(last)) continue;
    const before = item.at(-2);
    const isAliased = before !== undefined && isWord(before) && lower(before) === "as";
    const isColumn = item.every((token, n) => n % 2 === 0 ? isName(token) : token.text === ".");
    const isBareAlias = item.length > 1 && (before?.text === ")" || (before !== undefined && isName(before)));
    if (isAliased || isColumn || isBareAlias) columns.push(last.text);
  }
  return columns;
}

function selectItems(tokens: readonly Token[]): Token[][] {
  const start = tokens.findIndex((token) => isWord(token) && lower(token) === "select");
  if (start < 0) return [];
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(start + 1)) {
    if (token.kind === "sign" && "([{".includes(token.text)) depth += 1;
    if (token.kind === "sign" && ")]}".includes(token.text)) depth -= 1;
    if (depth === 0 && isWord(token) && lower(token) === "from") break;
    if (depth === 0 && isSign(token, ",")) items.push([]);
    else if (!(isWord(token) && ["distinct", "all"].includes(lower(token)))) {
      items[items.length - 1].push(token);
    }
  }
  return items;
}

function hasStar(tokens: readonly Token[]): boolean {
  const items = selectItems(tokens);
  const isImplicit = items.length === 0 && tokens.some((token) => isWord(token) && lower(token) === "from");
  return isImplicit || items.some((item) => isSign(item.at(-1), "*") || isSign(item[0], "*"));
}

const isWord = (token: Token | undefined): token is Token => token?.kind === "word";
const isName = (token: Token | undefined): token is Token =>
  token?.kind === "word" || token?.kind === "quoted";
const isSign = (token: Token | undefined, text: string) => token?.kind === "sign" && token.text === text;
const lower = (token: Token) => token.text.toLowerCase();
