/**
 * Walks a statement's parse tree with lists of what is allowed: nodes, tables, functions. Whatever is on no list is
 * refused, so that a new kind of node in a new engine is refused until somebody has thought about it.
 */
import { mayCall, mayCallAsTable } from "./functions.ts";
import type { Refusal } from "./refusal.ts";

/** The stages, in the order in which unqualified names are looked for. */
export const SEARCH_PATH = ["processed", "analytics", "raw"] as const;

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

/** The names of common table expressions that are in sight somewhere, the innermost first. */
type Sight = { readonly name: string; readonly outer: Sight } | null;

interface Place {
  value: unknown;
  sight: Sight;
}

/** Looks at every node with the names of common table expressions that are in sight there. */
export function treeRefusal(statements: readonly unknown[], relations: ReadonlySet<string>): Refusal | null {
  const open: Place[] = [{ value: statements, sight: null }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, sight } = next;
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value) open.push({ value: item, sight });
      continue;
    }
    const node = value as Node;
    const refusal = nodeRefusal(node, sight, relations);
    if (refusal) return refusal;
    for (const child of childrenOf(node, sight)) open.push(child);
  }
  return null;
}

/**
 * A common table expression sees those before it and not itself, and of a recursive one only the right side does: what
 * it calls by its own name elsewhere is a table of the engine, or a file.
 */
function childrenOf(node: Node, outer: Sight): Place[] {
  const { cte_map, ...rest } = node;
  const places: Place[] = [];
  let sight = outer;
  for (const entry of (cte_map as { map?: readonly Node[] } | undefined)?.map ?? []) {
    places.push({ value: entry, sight });
    sight = { name: engineLower(entry.key), outer: sight };
  }
  const own = { name: engineLower(node.cte_name), outer: sight };
  for (const [name, value] of Object.entries(rest)) {
    const isRecursion = node.type === "RECURSIVE_CTE_NODE" && name === "right";
    places.push({ value, sight: isRecursion ? own : sight });
  }
  return places;
}

function isInSight(sight: Sight, name: string): boolean {
  for (let at = sight; at !== null; at = at.outer) if (at.name === name) return true;
  return false;
}

/** As the engine compares names: it knows no capitals but A to Z, where JavaScript makes a k of the sign for kelvin. */
function engineLower(name: unknown): string {
  return String(name ?? "").replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
}

function nodeRefusal(
  node: Node,
  sight: Sight,
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
  if (node.type === "BASE_TABLE") return tableRefusal(node, sight, relations);
  if (node.type === "TABLE_FUNCTION") {
    const name = (node.function as Node | undefined)?.function_name;
    if (typeof name !== "string" || !mayCallAsTable(name)) {
      return { code: "refused", reason: `the table function ${String(name)} is not allowed`, byte };
    }
  }
  const isShown = node.show_type === "SHOW_FROM" || SHOWN.has(String(node.table_name));
  if (node.type === "SHOW_REF" && node.query === null && !isShown) {
    return { code: "refused", reason: `SHOW ${String(node.table_name)} is not allowed`, byte };
  }
  return null;
}

function tableRefusal(
  node: Node,
  sight: Sight,
  relations: ReadonlySet<string>,
): Refusal | null {
  const [catalog, schema, table] = [node.catalog_name, node.schema_name, node.table_name].map(engineLower);
  const names = schema === "" ? SEARCH_PATH.map((stage) => `${stage}.${table}`) : [`${schema}.${table}`];
  if ((schema === "" || schema === "recurring") && isInSight(sight, table)) return null;
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
