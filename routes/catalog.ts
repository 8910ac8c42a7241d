/** `/iceberg/v1/*`: the lake for any Iceberg client, read only; what is answered is decided in lib/iceberg. */
import { type Context, Hono } from "hono";
import type { RestCatalog } from "../lib/iceberg/rest_answers.ts";
import type { Env } from "./door.ts";

export interface CatalogDeps {
  rest: RestCatalog;
}

const ROOT = "/iceberg/v1/";

export function catalog({ rest }: CatalogDeps): Hono<Env> {
  const answer = async (c: Context<Env>) => {
    const segments = segmentsOf(new URL(c.req.url).pathname.slice(ROOT.length));
    const { status, body, allow } = await rest.answer(c.req.raw.method, segments, c.req.query("parent"));
    if (body === null || body === undefined) return new Response(null, { status });
    const headers = { "content-type": "application/json", ...(allow === undefined ? {} : { allow }) };
    return new Response(JSON.stringify(body), { status, headers });
  };
  const path = "/iceberg/v1/*";
  // Everything else is refused in the catalog's own words.
  return new Hono<Env>().get(path, answer).post(path, answer).all(path, answer);
}

/** A part that cannot be decoded names nothing. */
function segmentsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch (error) {
      if (error instanceof URIError) return part;
      throw error;
    }
  });
}
