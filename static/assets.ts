/**
 * What a server answers for the built page: `/` and `/assets/*`, each with its headers.
 *
 * The content security policy stands on every one of these answers, the worker script's above all: a worker obeys the
 * policy of its own script, not the page's.
 */
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("./dist/", import.meta.url));
/** A part of a built file's path: never empty, never beginning with a dot. */
const PART = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  wasm: "application/wasm",
  svg: "image/svg+xml",
  map: "application/json",
};
/** Best first; a file is sent in the first one that the browser takes and the build has made. */
const ENCODINGS = [["br", ".br"], ["gzip", ".gz"]] as const;

export interface PageOptions {
  /** Origin of the S3 server as the browser sees it (`https://host:port`), or null with the disk store. */
  storeOrigin: string | null;
}

/** The policy: nothing but ourselves and the store, no inline script or style, no frame around us. */
export function contentSecurityPolicy(storeOrigin: string | null): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${storeOrigin ? ` ${storeOrigin}` : ""}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/**
 * Answers `/` and `/assets/<name>`; null for every other path and for names that were not built. Never reads outside
 * the built folder. Answers HEAD like GET without a body.
 */
export async function pageResponse(request: Request, options: PageOptions): Promise<Response | null> {
  const { pathname } = new URL(request.url);
  const name = pathname === "/" ? "index.html" : pathname.startsWith("/assets/") ? pathname.slice(1) : null;
  if (name === null || !name.split("/").every((part) => PART.test(part))) return null;
  const accepted = request.headers.get("accept-encoding") ?? "";
  for (
    const [encoding, suffix] of [...ENCODINGS.filter(([word]) => takes(accepted, word)), ["", ""] as const]
  ) {
    const body = await readIfThere(`${DIST}${name}${suffix}`);
    if (!body) continue;
    const headers = headersOf(name, options.storeOrigin);
    headers.set("content-length", String(body.length));
    if (encoding) headers.set("content-encoding", encoding);
    return new Response(request.method === "HEAD" ? null : body, { headers });
  }
  return null;
}

function headersOf(name: string, storeOrigin: string | null): Headers {
  return new Headers({
    "content-type": TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    "cache-control": name === "index.html" ? "no-cache" : "public, max-age=31536000, immutable",
    "content-security-policy": contentSecurityPolicy(storeOrigin),
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    vary: "accept-encoding",
  });
}

/** Whether `accept-encoding` names the word without refusing it by `q=0`. */
function takes(accepted: string, encoding: string): boolean {
  return accepted.split(",").some((part) => {
    const [word, ...parameters] = part.trim().split(/\s*;\s*/);
    return word === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
