import { deepEqual } from "node:assert/strict";
import { dependenciesOf, type DependencyParts } from "../../commands/dependencies.ts";
import { systemClock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import type { EventLog } from "../../lib/log/log.ts";
import { Health, readiness } from "../../lib/observe/health.ts";
import { settingsOf } from "../routes/test_app.ts";

/** What a role says of itself whose broker is away (or never answers) and whose spill holds so much. */
async function saidBy(options: {
  has_door: boolean;
  spilled?: number;
  bounds?: EventLog["bounds"];
  env?: Record<string, string>;
  /** The last append failed just now. */
  fails?: boolean;
  store?: DependencyParts["store"];
}): Promise<string> {
  const away = () =>
    Promise.reject(new Fault("kafka", "Cannot ask", { blame: "dependency", retry: "after_backoff" }));
  const log: EventLog & { state: object } = {
    identity: away,
    append: away,
    read: away,
    offsetAt: away,
    trim: away,
    bounds: options.bounds ?? away,
    state: { records: 1, bytes: options.spilled ?? 0, oldest_ms: null },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const settings = settingsOf({ KAFKA_BROKERS: "127.0.0.1:1", SPILL_MAX_BYTES: "1000", ...options.env });
  const health = new Health(
    dependenciesOf({ has_door: options.has_door, workers: () => ({}) }, {
      settings,
      log,
      store: options.store ?? { head: () => Promise.resolve(null) },
      supervisor: { troubles: () => [] },
      appends: { cause: options.fails ? "Cannot append: the disk is full" : null },
      clock: systemClock,
    }),
    systemClock,
  );
  const reports = await health.report();
  const details = reports.flatMap(({ detail }) => detail ?? []);
  return [readiness(reports), ...details].join(": ");
}

Deno.test("a door is degraded while the broker is away and its spill has room, and unready without room", async () => {
  deepEqual(await saidBy({ has_door: true, bounds: () => Promise.resolve({ begin: 0, end: 0 }) }), "ready");
  deepEqual(await saidBy({ has_door: true, spilled: 999 }), "degraded: Cannot ask");
  deepEqual(
    await saidBy({ has_door: true, fails: true, bounds: () => Promise.resolve({ begin: 0, end: 0 }) }),
    "degraded: Cannot append: the disk is full",
  );
  deepEqual(
    await saidBy({ has_door: true, bounds: () => new Promise(() => {}) }),
    "degraded: does not answer",
  );
  deepEqual(await saidBy({ has_door: true, spilled: 1000 }), "unready: Cannot ask");
  deepEqual(await saidBy({ has_door: true, env: { SPILL_MAX_BYTES: "0" } }), "unready: Cannot ask");
});

Deno.test("a role without a door is unready while its log is away", async () => {
  deepEqual(await saidBy({ has_door: false }), "unready: Cannot ask");
});

const THERE: EventLog["bounds"] = () => Promise.resolve({ begin: 0, end: 0 });
const AWAY: DependencyParts["store"] = { head: () => Promise.reject(new Error("no connection")) };
const BUCKET = { S3_BUCKET: "a", S3_ACCESS_KEY_ID: "b", S3_SECRET_ACCESS_KEY: "c" };

Deno.test("a door is degraded while the bucket is away, for it takes events all the same, and unready without its disk", async () => {
  const said = (has_door: boolean, env: Record<string, string>) =>
    saidBy({ has_door, env, bounds: THERE, store: AWAY });
  deepEqual(await said(true, BUCKET), "degraded: no connection");
  deepEqual(await said(false, BUCKET), "unready: no connection");
  deepEqual(await said(true, {}), "unready: no connection");
});

Deno.test("a door is degraded while its query role is away, ill, or knows another token", async () => {
  let status = 200;
  const asked: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    asked.push(`${new URL(request.url).pathname} ${request.headers.get("authorization")}`);
    return new Response("{}", { status });
  });
  const QUERY_URL = `http://127.0.0.1:${server.addr.port}`;
  const said = (has_door = true) =>
    saidBy({ has_door, bounds: THERE, env: { QUERY_URL, API_TOKEN: "a-token-of-ours" } });
  deepEqual(await said(), "ready");
  deepEqual(asked, ["/health Bearer a-token-of-ours"]);
  status = 503;
  deepEqual(await said(), `degraded: ${QUERY_URL} answers 503`);
  status = 401;
  deepEqual(await said(), `degraded: ${QUERY_URL} answers 401: API_TOKEN must be the same here and there`);
  deepEqual(await said(false), "ready");
  await server.shutdown();
  deepEqual(await said(), "degraded: Cannot ask the query role: it does not answer");
});
