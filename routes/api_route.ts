/** What is said of a route: what it does, who may, what it takes and gives. */
import { DEFAULT_LIMIT, MAX_LIMIT } from "./cursor.ts";
import { choice, integer, type Schema } from "./json_schema.ts";
import { MAX_DAYS } from "./parameters.ts";

export type Access = "open" | "signed" | "ingest" | "read" | "admin";

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  doc: string;
  schema?: Schema;
}

export interface Route {
  method: "GET" | "POST" | "PUT" | "OPTIONS";
  /** `{name}` for parts that vary. */
  path: string;
  tag: string;
  doc: string;
  access: Access;
  parameters?: readonly Parameter[];
  /** Media types of the body. */
  takes?: readonly string[];
  /** The name of the schema of a JSON body. */
  asks?: string;
  /** What 2xx gives: media type, the name of a schema below where there is one, and which other statuses give the same. */
  gives?: { status?: number; type: string; schema?: string; alike?: readonly number[] };
  /** Statuses beside those that every route may answer. */
  also?: readonly number[];
}

/** The statuses of its own answer. */
export function givenStatuses(
  { gives: { status = 200, alike = [] } = { type: JSON_TYPE } }: Route,
): number[] {
  return [status, ...alike];
}

/** All others that it may answer: of the guard, of whoever reads its body, and its own. */
export function otherStatuses({ access, takes, also = [] }: Route): number[] {
  return [
    ...(access === "signed" || access === "open" ? [] : [400, 401, 429]),
    ...(access === "signed" ? [] : [403, 421]),
    ...(takes ? [408, 413, 415, 503] : []),
    431,
    ...also,
  ].toSorted((a, b) => a - b);
}

export const JSON_TYPE = "application/json";
export const inPath = (name: string, doc: string): Parameter => ({
  name,
  in: "path",
  doc,
  schema: { type: "string" },
});
export const inQuery = (name: string, doc: string, schema: Schema = { type: "string" }): Parameter => ({
  name,
  in: "query",
  doc,
  schema,
});
export const oneOf = (name: string, doc: string, words: readonly string[]) =>
  inQuery(name, `${doc}: ${words.join(", ")}.`, choice(...words));
/** What is more than at most is cut, not refused. */
export const limitOf = (items: number) =>
  inQuery("limit", `Items at most (${items}; at most ${inWords(MAX_LIMIT)}).`, {
    ...integer,
    minimum: 1,
    default: items,
  });
export const LIMIT = limitOf(DEFAULT_LIMIT);
export const CURSOR = inQuery("cursor", "Where the answer before ended; it goes with the same filters.");
const DAYS: Schema = { ...integer, minimum: 1, maximum: MAX_DAYS };
export const ANY_DAYS = inQuery("days", "Of the last days.", DAYS);
export const daysOf = (days: number) =>
  inQuery("days", `Whole days before today that are looked at (${days}).`, { ...DAYS, default: days });
export const listOf = (schema: string) => ({ type: JSON_TYPE, schema: `${schema}List` });

export function inWords(number: number): string {
  return number.toLocaleString("en");
}
