/** `GET /` and `/assets/*`: the built page, with the headers that it needs. */
import { Hono } from "hono";
import type { Env } from "./door.ts";

export interface PageDeps {
  /** The built page's answer for a path that is its own, null for any other; HEAD like GET without a body. */
  page(request: Request): Promise<Response | null>;
}

export function page({ page }: PageDeps): Hono<Env> {
  const serve = async (request: Request, otherwise: () => Response | Promise<Response>) =>
    await page(request) ?? await otherwise();
  return new Hono<Env>()
    .get("/", (c) => serve(c.req.raw, () => c.text("The page is not built: run `deno task build`.", 503)))
    .get("/assets/*", (c) => serve(c.req.raw, () => c.notFound()));
}
