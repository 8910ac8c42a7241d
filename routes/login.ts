/** `/login` and `/logout`: a form that turns a token into a session, five tries a minute an address. */
import { createHash } from "node:crypto";
import { Hono } from "hono";
import type { Clock } from "../lib/clock.ts";
import { clientAddress } from "./client_address.ts";
import type { Env } from "./door.ts";
import type { Gate } from "./gate.ts";
import { tooMany } from "./door.ts";
import { CHALLENGE, mayHaveBody, problem } from "./problem.ts";
import { readSmallBody, type SmallBodies } from "./small_body.ts";
import { formPolicy } from "./security_headers.ts";
import type { Sessions } from "./session.ts";

export interface LoginDeps {
  clock: Clock;
  gate: Gate;
  sessions: Sessions;
  bodies: SmallBodies;
  /** Trusted proxies in front. */
  trust_proxy: number;
}

const TRIES = 5;
const TRIES_MS = 60_000;
const OPENS_NOTHING = "This token opens nothing here.";
const MAX_ADDRESSES = 10_000;

export function login(deps: LoginDeps): Hono<Env> {
  const tries = new Tries(deps.clock);
  return new Hono<Env>()
    .get("/login", () => loginPage(200, ""))
    .post("/login", async (c) => {
      const wait_s = tries.wait(clientAddress(c.req.raw.headers, c.env, deps.trust_proxy));
      if (wait_s > 0) return wantsPage(c.req.raw) ? tooManyPage(wait_s) : tooMany(wait_s);
      const body = await readSmallBody(c, deps.bodies);
      if (body instanceof Response) return body;
      const token = new URLSearchParams(new TextDecoder().decode(body)).get("token") ?? "";
      const visitor = deps.gate.ofToken(token.trim());
      if (visitor === null || visitor.level === "ingest") {
        return wantsPage(c.req.raw)
          ? loginPage(401, OPENS_NOTHING)
          : problem({ status: 401, detail: OPENS_NOTHING });
      }
      return sentTo("/", deps.sessions.open(visitor.level));
    })
    .post("/logout", (c) => sentTo("/login", deps.sessions.close(c.req.raw.headers)));
}

function sentTo(location: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location, "cache-control": "no-store" });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}

/** Counts tries by address in windows of a minute that begin with the first try. */
class Tries {
  readonly #byAddress = new Map<string, { from_ms: number; count: number }>();

  constructor(readonly clock: Clock) {}

  wait(address: string): number {
    const now = this.clock.now();
    let entry = this.#byAddress.get(address);
    if (!entry || now - entry.from_ms >= TRIES_MS) {
      if (this.#byAddress.size >= MAX_ADDRESSES) this.#byAddress.clear();
      this.#byAddress.set(address, entry = { from_ms: now, count: 0 });
    }
    if (++entry.count <= TRIES) return 0;
    return Math.max(1, Math.ceil((entry.from_ms + TRIES_MS - now) / 1000));
  }
}

const STYLE =
  `:root{color-scheme:light dark;--accent:#0b7285;--on:#fff;--line:#c5ced3;--soft:#4c5a63;--bad:#b3261e}
body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0;background:#f4f6f7;color:#182126}
form{background:#fff;padding:2rem;border-radius:12px;border:1px solid var(--line);display:grid;gap:.75rem;width:min(22rem,80vw)}
h1{margin:0;font-size:1.25rem}input,button{font:inherit;padding:.5rem .75rem;border-radius:8px;border:1px solid var(--line)}
button{background:var(--accent);color:var(--on);border-color:var(--accent);cursor:pointer}p{margin:0}small{color:var(--soft)}
[role=alert]{color:var(--bad)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media(prefers-color-scheme:dark){:root{--accent:#4fc3d4;--on:#06191d;--line:#3a474f;--soft:#a3b1b9;--bad:#ff8a80}
body{background:#0e1316;color:#e3eaed}form{background:#151b1f}input{background:#0e1316;color:inherit}}`;

/** The place in the page that was asked for is known to the browser alone; along a redirect it keeps what the form sends. */
const SCRIPT = "document.forms[0].action+=location.hash";

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64");
const POLICY = formPolicy(sha256(STYLE), sha256(SCRIPT));

/** The form; also the answer to a browser that asked for a page without a session. `message` is ours, never input. */
export function loginPage(status: number, message: string): Response {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Millrace: log in</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style>
<form method="post" action="/login"><h1>Millrace</h1>${message ? `<p role="alert">${message}</p>` : ""}
<label for="token">Token</label><input id="token" name="token" type="password" autocomplete="current-password"
required autofocus aria-describedby="which"><small id="which">The value of READ_TOKEN, or of API_TOKEN to change things.</small>
<button>Log in</button></form><script>${SCRIPT}</script></html>`;
  return new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": POLICY,
      // A form of a page without referrer is sent with Origin null, which is nobody's.
      "referrer-policy": "same-origin",
      ...(status === 401 ? { [CHALLENGE]: "Bearer" } : {}),
    },
  });
}

/** The form for a person who tried too often. */
function tooManyPage(wait_s: number): Response {
  const page = loginPage(429, `Too many tries; try again in ${wait_s} s.`);
  page.headers.set("retry-after", String(wait_s));
  // The body was not read.
  page.headers.set("connection", "close");
  return page;
}

function wantsPage(request: Request): boolean {
  return (request.headers.get("accept") ?? "").includes("text/html");
}

/** What somebody without a right gets: a form in a browser, a problem elsewhere. */
export function unauthorised(request: Request): Response {
  if (request.method === "GET" && wantsPage(request)) return loginPage(401, "");
  return problem({
    status: 401,
    detail: "A token is needed: send Authorization: Bearer <token>, or log in at /login.",
    close: mayHaveBody(request),
  });
}
