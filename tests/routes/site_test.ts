/** The guard in front of everything but the doors: Host, Origin, tokens, sessions, and what answers carry. */
import { createHash, createHmac } from "node:crypto";
import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { Health } from "../../lib/observe/health.ts";
import { handClock, type TestApp, testApp } from "./test_app.ts";

const TOKENS = {
  API_TOKEN: "admin-token-1",
  READ_TOKEN: "read-token-1",
  INGEST_TOKENS: "shop=shop-token-1",
};

async function call(
  { app }: TestApp,
  path: string,
  init: RequestInit & { address?: string } = {},
): Promise<Response> {
  return await app.request(path, init, { remoteAddr: { hostname: init.address ?? "203.0.113.9" } });
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

Deno.test("site needs no token on loopback", async () => {
  equal((await call(testApp(), "/api/status")).status, 200);
});

Deno.test("site answers 421 to another Host on loopback, 403 to another Origin", async () => {
  const test = testApp();
  for (
    const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example:8000",
      "[::2]",
      "127.0.0.2",
    ]
  ) {
    equal((await call(test, "/api/status", { headers: { host } })).status, 421, host);
  }
  for (const host of ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"]) {
    equal((await call(test, "/api/status", { headers: { host } })).status, 200, host);
  }
  const elsewhere = testApp({ HOST: "127.0.0.2" });
  for (const host of ["127.0.0.2:8000", "localhost:8000"]) {
    equal((await call(elsewhere, "/api/status", { headers: { host } })).status, 200, host);
  }
  for (const origin of ["https://evil.example", "null", "http://localhost:9999", "https://localhost:8000"]) {
    const headers = { host: "localhost:8000", origin };
    equal((await call(test, "/api/status", { headers })).status, 403, origin);
  }
});

Deno.test("site knows PUBLIC_URL as its own name and origin", async () => {
  const test = testApp({ PUBLIC_URL: "https://mill.example" });
  const host = "mill.example";
  equal((await call(test, "/api/status", { headers: { host, origin: "https://mill.example" } })).status, 200);
  equal((await call(test, "/api/status", { headers: { host, origin: "http://mill.example" } })).status, 403);
});

Deno.test("site opens to each token what it may", async () => {
  const test = testApp(TOKENS);
  const status = async (path: string, init: RequestInit = {}) => (await call(test, path, init)).status;
  for (const path of ["/api/status", "/metrics", "/health", "/", "/api/tables"]) {
    equal(await status(path), 401, path);
    equal(await status(path, bearer("wrong-token-1")), 401, path);
    equal(await status(path, bearer("shop-token-1")), 403, path);
  }
  equal(await status("/api/status", bearer("read-token-1")), 200);
  equal(await status("/api/status", bearer("admin-token-1")), 200);
  equal(await status("/api/rules", { method: "PUT", body: "x", ...bearer("read-token-1") }), 403);
  // Not refused by the guard: there is only nothing here in this role.
  equal(await status("/api/rules", { method: "PUT", body: "x", ...bearer("admin-token-1") }), 404);
  equal(await status("/api/query", { method: "POST", body: "x", ...bearer("read-token-1") }), 404);
  for (const path of ["/livez", "/readyz", "/login"]) equal(await status(path), 200, path);
});

Deno.test("wrong tokens are bounded by address, at the site and the door, and refuse no right one", async () => {
  const clock = handClock(1_000_000);
  const test = testApp({ ...TOKENS, TRUST_PROXY: "1" }, { clock });
  const ask = (path: string, token: string, from = "198.51.100.7", method = "GET") => {
    const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": from };
    return call(test, path, { method, headers });
  };
  for (let i = 0; i < 500; i++) equal((await ask("/api/status", `guess-${i}`)).status, 401);
  for (const [path, method] of [["/api/status", "GET"], ["/ingest/event", "POST"]]) {
    const refused = await ask(path, "guess", undefined, method);
    deepEqual([refused.status, refused.headers.get("retry-after")], [429, "1"]);
  }
  equal((await ask("/api/status", "read-token-1")).status, 200);
  equal((await ask("/api/status", "guess", "198.51.100.8")).status, 401);
  clock.advance(1_000);
  equal((await ask("/api/status", "guess")).status, 401);
});

Deno.test("site takes PyIceberg's missing token for none, and only there", async () => {
  const none = { headers: { authorization: "Bearer None" } };
  equal((await call(testApp(), "/iceberg/v1/nothing", none)).status, 404);
  equal((await call(testApp(), "/api/status", none)).status, 401);
  equal((await call(testApp(TOKENS), "/iceberg/v1/nothing", none)).status, 401);
});

async function logIn(test: TestApp, token: string, address?: string): Promise<Response> {
  const body = new URLSearchParams({ token });
  return await call(test, "/login", { method: "POST", body, address });
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0].split(";")[0];
}

Deno.test("site refuses Iceberg clients in words that they read, beside the problem", async () => {
  const answer = await call(testApp(TOKENS), "/iceberg/v1/config", bearer("wrong-token-1"));
  equal(answer.status, 401);
  equal(answer.headers.get("content-type"), "application/problem+json");
  equal(answer.headers.get("www-authenticate"), "Bearer");
  const { detail, status, error } = await answer.json();
  deepEqual([status, error], [401, { message: detail, type: "NotAuthorizedException", code: 401 }]);
  const ingest = await call(testApp(TOKENS), "/iceberg/v1/config", bearer("shop-token-1"));
  equal((await ingest.json()).error.type, "ForbiddenException");
  const elsewhere = await call(testApp(TOKENS), "/api/status", bearer("wrong-token-1"));
  equal((await elsewhere.json()).error, undefined);
});

Deno.test("login turns a token into a session that ends after twelve hours", async () => {
  const clock = handClock();
  const test = testApp(TOKENS, { clock });
  const response = await logIn(test, "read-token-1");
  equal(response.status, 303);
  const [set, known] = response.headers.getSetCookie();
  match(set, /HttpOnly/);
  equal(known, "millrace_logged_in=yes; Path=/; Max-Age=43200; SameSite=Strict");
  match(set, /SameSite=Strict/);
  match(set, /Max-Age=43200/);
  doesNotMatch(set, /Secure|read-token/);
  const headers = { cookie: `other=1; ${cookieOf(response)}` };
  equal((await call(test, "/api/status", { headers })).status, 200);
  clock.advance(12 * 3_600_000);
  equal((await call(test, "/api/status", { headers })).status, 401);
});

Deno.test("login makes the cookie Secure behind https, and is refused to ingest tokens", async () => {
  const test = testApp({ ...TOKENS, PUBLIC_URL: "https://mill.example" });
  for (const set of (await logIn(test, "admin-token-1")).headers.getSetCookie()) match(set, /; Secure/);
  equal((await logIn(test, "shop-token-1")).status, 401);
  const refused = await logIn(test, "");
  deepEqual([refused.status, refused.headers.get("content-type")], [401, "application/problem+json"]);
});

Deno.test("login allows five tries a minute an address", async () => {
  const clock = handClock();
  const test = testApp(TOKENS, { clock });
  for (let i = 0; i < 5; i++) equal((await logIn(test, "guess-0001")).status, 401);
  const refused = await logIn(test, "admin-token-1");
  equal(refused.status, 429);
  match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  const shown = await call(test, "/login", {
    method: "POST",
    headers: { accept: "text/html", "content-type": "application/x-www-form-urlencoded" },
    body: "token=admin-token-1",
  });
  deepEqual([shown.status, shown.headers.get("connection")], [429, "close"]);
  match(await shown.text(), /role="alert">Too many tries; try again in \d+ s\./);
  equal((await logIn(test, "admin-token-1", "198.51.100.7")).status, 303);
  clock.advance(60_001);
  equal((await logIn(test, "admin-token-1")).status, 303);
});

Deno.test("a session ends with logout, with a changed seal, and with a changed token", async () => {
  const test = testApp(TOKENS);
  const cookie = cookieOf(await logIn(test, "admin-token-1"));
  const asked = async (one: TestApp, value: string) =>
    (await call(one, "/api/status", { headers: { cookie: value } })).status;
  equal(await asked(test, cookie), 200);
  equal(await asked(test, cookie.slice(0, -1) + (cookie.endsWith("0") ? "1" : "0")), 401);
  equal(await asked(test, cookie.replace(".admin.", ".read.")), 401);
  equal(await asked(testApp({ ...TOKENS, API_TOKEN: "admin-token-2" }), cookie), 401);
  const out = await call(test, "/logout", {
    method: "POST",
    headers: { cookie, origin: "http://localhost" },
  });
  for (const set of out.headers.getSetCookie()) match(set, /^millrace_\w+=; .*Max-Age=0/);
  equal(await asked(test, cookie), 401);
});

Deno.test("a seal does not tell at the price of a hash which tokens it was made with", async () => {
  const cookie = cookieOf(await logIn(testApp(TOKENS), "read-token-1"));
  const [, claim, seal] = /^millrace_session=(.*)\.([0-9a-f]{64})$/.exec(cookie)!;
  const tokens = JSON.stringify([TOKENS.API_TOKEN, TOKENS.READ_TOKEN]);
  const hashed = createHmac("sha256", "millrace session").update(tokens).digest();
  for (const key of [tokens, hashed]) {
    notEqual(createHmac("sha256", key).update(claim).digest("hex"), seal);
  }
});

Deno.test("a call with a session that changes something must come from our own page", async () => {
  const test = testApp(TOKENS);
  const cookie = cookieOf(await logIn(test, "admin-token-1"));
  const put = async (headers: Record<string, string>) =>
    (await call(test, "/api/rules", { method: "PUT", body: "x", headers: { cookie, ...headers } })).status;
  equal(await put({}), 403);
  equal(await put({ origin: "https://evil.example" }), 403);
  equal(await put({ origin: "http://localhost" }), 404);
});

Deno.test("a browser without a session gets the form, under a policy that allows its own script alone", async () => {
  const response = await call(testApp(TOKENS), "/", { headers: { accept: "text/html,*/*" } });
  equal(response.status, 401);
  const html = await response.text();
  match(html, /<form method="post" action="\/login">/);
  const policy = response.headers.get("content-security-policy") ?? "";
  match(policy, /default-src 'none'.*frame-ancestors 'none'/);
  doesNotMatch(policy, /unsafe/);
  const script = /<script>(.*)<\/script>/.exec(html)?.[1] ?? "";
  const hash = createHash("sha256").update(script).digest("base64");
  equal(/script-src ([^;]*)/.exec(policy)?.[1], `'sha256-${hash}'`);
});

Deno.test("every answer has an id, a policy and no cache", async () => {
  const test = testApp();
  const ids = new Set<string>();
  for (const path of ["/livez", "/api/status", "/nowhere", "/metrics"]) {
    const { headers } = await call(test, path);
    ids.add(headers.get("x-request-id") ?? "");
    match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
    equal(headers.get("cross-origin-resource-policy"), "same-origin");
    equal(headers.get("x-content-type-options"), "nosniff");
    equal(headers.get("cache-control"), "no-store");
  }
  equal(ids.size, 4);
  ok(!ids.has(""));
});

Deno.test("a failure is a problem: a dependency's 503, the sender's 400, ours 500 without its reason", async () => {
  const failing = async (error: Error) => {
    const test = testApp({}, { status: () => Promise.reject(error) });
    const response = await call(test, "/api/status");
    equal(response.headers.get("content-type"), "application/problem+json");
    notEqual(response.headers.get("x-request-id"), null);
    return { status: response.status, body: await response.json(), lines: test.lines };
  };
  const fault = (blame: "sender" | "dependency" | "us") =>
    new Fault("store_away", "Cannot read the store: whsec_0123456789 it is away", { blame, retry: "never" });
  const away = await failing(fault("dependency"));
  equal(away.status, 503);
  doesNotMatch(JSON.stringify(away.body), /0123456789/);
  equal((await failing(fault("sender"))).status, 400);
  const bug = await failing(new TypeError("x is not a function of whsec_0123456789"));
  equal(bug.status, 500);
  doesNotMatch(JSON.stringify(bug.body), /not a function/);
  match(bug.lines.join("\n"), /not a function/);
  doesNotMatch(bug.lines.join("\n"), /0123456789/);
});

Deno.test("readyz is 503 when what the role needs is down, and degraded when it only limps", async () => {
  const clock = handClock();
  let log: "ok" | "degraded" | "down" = "ok";
  const health = new Health([
    { name: "log", required: true, check: () => Promise.resolve(log) },
    { name: "query", required: false, check: () => Promise.reject(new Error("no answer from s3cr3t")) },
  ], clock);
  const test = testApp({}, { clock, health });
  const ask = async (path: string) => {
    clock.advance(1_001);
    const response = await call(test, path);
    return { status: response.status, body: await response.json() };
  };
  const limping = await ask("/readyz");
  equal(limping.status, 200);
  equal(limping.body.status, "degraded");
  deepEqual(limping.body.dependencies[0], { name: "log", condition: "ok", required: true, age_seconds: 0 });
  deepEqual((await ask("/health")).body, { log: "ok", query: "down" });
  log = "down";
  equal((await ask("/readyz")).status, 503);
  equal((await call(test, "/livez")).status, 200);
  // A clock that is set back an hour does not make what was found then last an hour.
  log = "ok";
  clock.advance(-3_600_000);
  equal((await call(test, "/readyz")).status, 200);
});

Deno.test("readyz does not wait for a dependency that never answers", async () => {
  const clock = handClock();
  const silent = { name: "store", required: true, check: () => new Promise<"ok">(() => undefined) };
  const test = testApp({}, { clock, health: new Health([silent], clock) });
  const answer = call(test, "/readyz");
  await new Promise((resolve) => setTimeout(resolve, 0));
  clock.advance(2_000);
  equal((await answer).status, 503);
});

Deno.test("a path says which methods it takes", async () => {
  const test = testApp();
  for (
    const [method, path, allow] of [
      ["GET", "/hooks/stripe", "POST"],
      ["DELETE", "/api/rules", "GET, HEAD, PUT"],
      ["PATCH", "/lake/a/b/c.parquet", "GET, HEAD"],
    ]
  ) {
    const response = await call(test, path, { method });
    equal(response.status, 405, path);
    equal(response.headers.get("allow"), allow);
  }
  equal((await call(test, "/nowhere", { method: "POST", body: "x" })).status, 404);
});

Deno.test("a 401 says how to prove oneself", async () => {
  const test = testApp(TOKENS);
  const page = { headers: { accept: "text/html" } };
  const cases: [string, RequestInit, string][] = [
    ["/api/status", {}, "Bearer"],
    ["/", page, "Bearer"],
    ["/login", { method: "POST", body: "token=guess-0001" }, "Bearer"],
    ["/login", { method: "POST", body: "token=guess-0001", ...page }, "Bearer"],
    ["/ingest/event", { method: "POST", body: "{}" }, "Bearer"],
    ["/ingest/cloudevents", { method: "POST", body: "{}" }, "Bearer"],
    ["/hooks/stripe", { method: "POST", body: "{}" }, "Signature"],
  ];
  for (const [path, init, challenge] of cases) {
    const response = await call(test, path, init);
    deepEqual([response.status, response.headers.get("www-authenticate")], [401, challenge], path);
  }
});

Deno.test("HEAD tells the length that GET has", async () => {
  const test = testApp();
  for (const path of ["/api/kinds", "/livez", "/docs", "/login", "/nowhere"]) {
    const [get, head] = [await call(test, path), await call(test, path, { method: "HEAD" })];
    const { byteLength } = await get.arrayBuffer();
    deepEqual([head.status, head.headers.get("content-length")], [get.status, String(byteLength)], path);
    equal(head.body, null);
  }
});

Deno.test("metrics counts by route pattern, never by path", async () => {
  const test = testApp();
  await call(test, "/api/status");
  await call(test, "/secret-path-1");
  const text = await (await call(test, "/metrics")).text();
  match(text, /millrace_requests_total\{route="\/api\/status",status="200"\} 1/);
  doesNotMatch(text, /secret-path/);
});
