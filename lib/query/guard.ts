/**
 * Decides whether a text is one harmless question: a single reading statement over the relations it was given.
 *
 * The judgement is made on DuckDB's own parse tree (`json_serialize_sql`, which itself accepts nothing but SELECT in
 * its many spellings), walked with lists of what is allowed: a kind of node that nobody thought of is refused. The
 * locked-down engine behind it is the second wall. Deliberately not judged here: whether columns exist, and cost.
 */
import { Fault } from "../errors.ts";
import { mayCall, mayCallAsTable } from "./functions.ts";
import { isSymbol, isWord, offsetOfByte, placeOf, type Token, tokensOf } from "./sql_text.ts";

export const MAX_SQL_BYTES = 1024 * 1024;
/** The stages, in the order in which unqualified names are looked for. */
export const SEARCH_PATH = ["processed", "analytics", "raw"] as const;

/** The engine's parser: a statement's tree as JSON text. */
export type SerializeSql = (sql: string) => Promise<string>;

/** A statement that may run. `sql` is one statement without its closing semicolon. */
export interface Admitted {
  sql: string;
}

/** Why a statement may not run; `byte` is the place in the judged text, where one is known. */
interface Refusal {
  code: "syntax" | "refused";
  reason: string;
  byte?: number;
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
  const refusal = treeRefusal(tree, tokens[question.first]) ?? walk(tree, known);
  if (refusal) throw queryFault(sql, refusal, question.start);
  return { sql: sql.slice(0, end) };
}

/** A query's Fault, with line and column in `fields` where the place is known. `base` is added to the place. */
export function queryFault(sql: string, refusal: Refusal, base = 0): Fault {
  const place = refusal.byte === undefined
    ? null
    : placeOf(sql, base + offsetOfByte(sql.slice(base), refusal.byte));
  const fields = place === null ? [] : [
    { field: "line", code: "at", actual: String(place.line) },
    { field: "column", code: "at", actual: String(place.column) },
  ];
  return new Fault(refusal.code, `Cannot run the query: ${refusal.reason}`, {
    blame: "sender",
    retry: "never",
    fields,
  });
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
  const places: number[] = [];
  tokens.forEach((token, at) => {
    if (isWord(token, "PIVOT", "PIVOT_WIDER")) places.push(...pivotPlaces(tokens, at));
  });
  let text = sql;
  for (const place of places.sort((a, b) => b - a)) {
    text = `${text.slice(0, place)} IN (0)${text.slice(place)}`;
  }
  return text;
}

/** Ends of the ON expressions of the PIVOT at `at` that have no IN list. */
function pivotPlaces(tokens: readonly Token[], at: number): number[] {
  const places: number[] = [];
  let depth = 0;
  let inside = false;
  let hasList = false;
  for (let i = at + 1; i <= tokens.length && depth >= 0; i++) {
    const token = tokens[i];
    if (isSymbol(token, "(") || isSymbol(token, "[")) depth++;
    else if (isSymbol(token, ")") || isSymbol(token, "]")) depth--;
    const closes = token === undefined || depth < 0 ||
      (depth === 0 && isWord(token, "USING", "GROUP", "ORDER", "LIMIT", "OFFSET", "UNION"));
    if (inside && (closes || (depth === 0 && isSymbol(token, ",")))) {
      if (!hasList) places.push(tokens[i - 1].end);
      hasList = false;
    }
    if (inside && closes) return places;
    if (depth === 0 && isWord(token, "IN")) hasList = true;
    if (depth === 0 && isWord(token, "ON")) inside = true;
  }
  return places;
}

interface Tree {
  error?: boolean;
  error_type?: string;
  error_message?: string;
  position?: string;
  statements?: readonly unknown[];
}

function parseTree(json: string): Tree {
  return JSON.parse(json) as Tree;
}

function isNotSelect(tree: Tree): boolean {
  return tree.error === true && tree.error_type === "not implemented";
}

function treeRefusal(tree: Tree, first: Token | undefined): Refusal | null {
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
    // The one reading of these words: the parser found a statement that changes data where only a SELECT may stand.
    return { code: reason === "A CTE needs a SELECT" ? "refused" : "syntax", reason, byte };
  }
  if (tree.statements?.length === 1) return null;
  return { code: "refused", reason: "only one statement may run at a time" };
}

const EXPRESSIONS = new Set([
  ...["BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT"],
  ...["FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE"],
  "WINDOW",
]);

/** What a node without a class may be: query nodes, table references, modifiers, orders. */
const NODES = new Set([
  ...["SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"],
  ...["BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF"],
  ...["ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"],
  ...["ORDER_DEFAULT", "ASCENDING", "DESCENDING"],
]);

/** Lists of names the engine makes up itself. */
const SHOWN = new Set(['"tables"', "__show_tables_expanded"]);
const CATALOG_TABLES = new Set(["information_schema.tables", "information_schema.columns"]);

type Node = { readonly [key: string]: unknown };

/** Looks at every node with the names of common table expressions that are in sight there. */
function walk(tree: Tree, relations: ReadonlySet<string>): Refusal | null {
  const open: { value: unknown; ctes: ReadonlySet<string> }[] = [
    { value: tree.statements, ctes: new Set() },
  ];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value } = next;
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value) open.push({ value: item, ctes: next.ctes });
      continue;
    }
    const node = value as Node;
    const ctes = withCtes(node, next.ctes);
    const refusal = nodeRefusal(node, ctes, relations);
    if (refusal) return refusal;
    // A constant is data: what stands in it is nobody's name.
    if (node.class === "CONSTANT") continue;
    for (const child of Object.values(node)) open.push({ value: child, ctes });
  }
  return null;
}

function withCtes(node: Node, ctes: ReadonlySet<string>): ReadonlySet<string> {
  const map = (node.cte_map as { map?: readonly { key?: unknown }[] } | undefined)?.map;
  const named = [...(map ?? []).map((entry) => entry.key), node.cte_name, node.ctename];
  const names = named.filter((name) => typeof name === "string" && name !== "") as string[];
  return names.length === 0 ? ctes : new Set([...ctes, ...names.map((name) => name.toLowerCase())]);
}

function nodeRefusal(
  node: Node,
  ctes: ReadonlySet<string>,
  relations: ReadonlySet<string>,
): Refusal | null {
  const byte = placeIn(node);
  if (typeof node.class === "string") {
    if (!EXPRESSIONS.has(node.class)) {
      return { code: "refused", reason: `${node.class} is not allowed`, byte };
    }
    const name = node.function_name;
    if (typeof name === "string" && !mayCall(name) && !mayCallAsTable(name)) {
      return { code: "refused", reason: `the function ${name} is not allowed`, byte };
    }
    return null;
  }
  if (typeof node.type !== "string") return null;
  if (node.type.endsWith("_TYPE_INFO")) return null;
  if (!NODES.has(node.type)) return { code: "refused", reason: `${node.type} is not allowed`, byte };
  if (node.type === "BASE_TABLE") return tableRefusal(node, ctes, relations);
  if (node.type === "TABLE_FUNCTION") {
    const name = (node.function as Node | undefined)?.function_name;
    if (typeof name !== "string" || !mayCallAsTable(name)) {
      return { code: "refused", reason: `the table function ${String(name)} is not allowed`, byte };
    }
  }
  if (node.type === "SHOW_REF" && node.query === null && !SHOWN.has(String(node.table_name))) {
    return { code: "refused", reason: `SHOW ${String(node.table_name)} is not allowed`, byte };
  }
  return null;
}

function tableRefusal(
  node: Node,
  ctes: ReadonlySet<string>,
  relations: ReadonlySet<string>,
): Refusal | null {
  const [catalog, schema, table] = [node.catalog_name, node.schema_name, node.table_name].map((part) =>
    String(part ?? "").toLowerCase()
  );
  const names = schema === "" ? SEARCH_PATH.map((stage) => `${stage}.${table}`) : [`${schema}.${table}`];
  if ((schema === "" || schema === "recurring") && ctes.has(table)) return null;
  if (
    catalog === "" && names.some((name) => relations.has(name) || CATALOG_TABLES.has(name))
  ) return null;
  const written = [node.catalog_name, node.schema_name, node.table_name].filter((part) => part).join(".");
  const byte = placeIn(node);
  if (!/^\w+$/.test(table)) {
    return { code: "refused", reason: `"${written}" is no table: files and addresses are not read`, byte };
  }
  const near = [...relations].filter((name) => name.endsWith(`.${table}`));
  const hint = near.length > 0 ? `; there is ${near.join(", ")}` : "";
  return { code: "syntax", reason: `there is no table "${written}"${hint}`, byte };
}

/** The engine writes 2^64 - 1 where it knows no place. */
function placeIn(node: Node): number | undefined {
  const at = node.query_location;
  return typeof at === "number" && at < Number.MAX_SAFE_INTEGER ? at : undefined;
}
