/** `GET /` and `/assets/*`: the built page, with the headers that it needs. */
import { Hono } from "hono";
import type { Env } from "./door.ts";

export interface PageDeps {
  /** The built page's answer for a path that is its own, null for any other; HEAD like GET without a body. */
  page(request: Request): Promise<Response | null>;
}

const LOOK_AGAIN_S = 2;

/** What somebody sees who opens the address while `dev` still builds the page; it looks again by itself. */
const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="${LOOK_AGAIN_S}">
<meta name="color-scheme" content="light dark">
<title>Millrace</title>
<p role="status">The page is not built yet. With <code>deno task dev</code> it takes a few seconds, and this looks again
by itself; else run <code>deno task build</code>. The same data is at <a href="/docs">/docs</a>.
</html>
`;

export function page({ page }: PageDeps): Hono<Env> {
  const serve = async (request: Request, otherwise: () => Response | Promise<Response>) =>
    await page(request) ?? await otherwise();
  return new Hono<Env>()
    .get("/", (c) =>
      serve(c.req.raw, () => {
        const headers = { "retry-after": String(LOOK_AGAIN_S), "cache-control": "no-store" };
        return c.html(NOT_BUILT, 503, headers);
      }))
    .get("/assets/*", (c) => serve(c.req.raw, () => c.notFound()));
}
