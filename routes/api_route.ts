/** What is said of a route: what it does, who may, what it takes and gives. */

export type Access = "open" | "signed" | "ingest" | "read" | "admin";

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  doc: string;
  schema?: Readonly<Record<string, unknown>>;
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
  /** What 2xx gives: media type, and the name of a schema below where there is one. */
  gives?: { status?: number; type: string; schema?: string };
  /** Statuses beside those that every route may answer. */
  also?: readonly number[];
}

export const JSON_TYPE = "application/json";
export const inPath = (name: string, doc: string): Parameter => ({
  name,
  in: "path",
  doc,
  schema: { type: "string" },
});
export const inQuery = (name: string, doc: string, type = "string"): Parameter => ({
  name,
  in: "query",
  doc,
  schema: { type },
});
export const LIMIT = inQuery("limit", "Items at most (100; at most 1,000).", "integer");
export const CURSOR = inQuery("cursor", "Where the answer before ended.");
export const DAYS = inQuery("days", "Whole days before today that are looked at.", "integer");
export const listOf = (schema: string) => ({ type: JSON_TYPE, schema: `${schema}List` });
