/** `/iceberg/v1/*`: the lake for any Iceberg client, read only; what is answered is decided in lib/iceberg. */
import { type Context, Hono } from "hono";
import type { RestCatalog } from "../lib/iceberg/rest_answers.ts";
import type { Env } from "./door.ts";
import { problem } from "./problem.ts";

export interface CatalogDeps {
  rest: RestCatalog;
}

const ROOT = "/iceberg/v1/";

export function catalog({ rest }: CatalogDeps): Hono<Env> {
  const answer = async (c: Context<Env>) => {
    const segments = segmentsOf(new URL(c.req.url).pathname.slice(ROOT.length));
    const { status, body, message, allow } = await rest.answer(
      c.req.raw.method,
      segments,
      c.req.query("parent"),
    );
    if (body === null) return new Response(null, { status });
    if (message === undefined) return c.json(body);
    return problem({ status, detail: message, more: body, headers: allow === undefined ? {} : { allow } });
  };
  const path = "/iceberg/v1/*";
  // Everything else is refused in the catalog's own words.
  return new Hono<Env>().get(path, answer).post(path, answer).all(path, answer);
}

const TYPES: Readonly<Record<number, string>> = {
  401: "NotAuthorizedException",
  403: "ForbiddenException",
  500: "InternalServerErrorException",
  503: "ServiceUnavailableException",
};

/** A problem with what Iceberg clients read of errors beside it; the catalog's own refusals bring that along. */
export async function inCatalogWords(answer: Response): Promise<Response> {
  const told = await answer.json();
  const type = TYPES[answer.status] ?? "BadRequestException";
  const error = { message: told.detail, type, code: answer.status };
  return new Response(JSON.stringify({ error, ...told }), answer);
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
