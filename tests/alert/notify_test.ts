import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { alertRow } from "../../lib/alert/alert.ts";
import { Notifier, type NotifyParts } from "../../lib/alert/notify.ts";
import { type AlertRoute, readAlertsFile } from "../../lib/alert/route.ts";
import type { Row } from "../../lib/event/column.ts";
import { Fault } from "../../lib/errors.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import type { Facts } from "../../lib/observe/log_line.ts";
import { Metrics } from "../../lib/observe/metrics.ts";
import { standardWebhooks } from "../../lib/source/standard_webhooks.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { eventually, pause } from "../waiting.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const QUIET = { info() {}, warn() {}, error() {} };

const alert = (event_id: string, severity: "low" | "high" = "high") =>
  alertRow({
    rule: "threshold",
    rule_version: "v",
    severity,
    key: "ada",
    user_id: "<ada>",
    source: "token",
    event_id,
    log_partition: 0,
    log_offset: 1,
    event_time: "2026-01-01T10:00:00.000",
    detected_at: "2026-01-01T10:00:00.000",
    description: "Much.",
    trigger_event_ids: [event_id],
    context: {},
  });

interface Got {
  path: string;
  headers: Headers;
  body: Uint8Array;
}

/** A receiver that answers with the next of `statuses`, then 200. */
function receiver(statuses: number[] = []) {
  const got: Got[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    got.push({ path: new URL(request.url).pathname, headers: request.headers, body });
    return new Response("answer", {
      status: statuses.shift() ?? 200,
      headers: { location: "http://127.0.0.1:1/" },
    });
  });
  return { got, server, url: `http://127.0.0.1:${server.addr.port}` };
}

async function withParts(
  use: (
    setup: {
      parts: NotifyParts;
      rows: Row[];
      raise: (...alerts: Row[]) => Promise<void>;
      routes: AlertRoute[];
    },
  ) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  {
    await using store = openDiskStore(folder);
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 2 });
    const rows: Row[] = [];
    const routes: AlertRoute[] = [];
    const parts: NotifyParts = {
      store,
      log,
      clock: systemClock,
      routes: () => Promise.resolve(routes),
      secret: SECRET,
      keepRows(more) {
        rows.push(...more);
        return Promise.resolve();
      },
      line: QUIET,
      metrics: new Metrics(),
      backoff_ms: 1,
      max_attempts: 3,
      // However slow the machine, it is led by who led first.
      lease_ms: 3_600_000,
      timeout_ms: 600_000,
    };
    const raise = async (...alerts: Row[]) => {
      const records = alerts.map((row, i) => ({
        partition: i % 2,
        key: null,
        value: new TextEncoder().encode(JSON.stringify(row)),
        headers: {},
        received_at: 1,
      }));
      await log.append("alerts", records);
    };
    await use({ parts, rows, raise, routes });
  }
  await Deno.remove(folder, { recursive: true });
}

const route = (url: string, more: Partial<AlertRoute> = {}): AlertRoute => ({
  name: "ops",
  url,
  body: "plain",
  allow_private: true,
  ...more,
});

/** Runs until `done`, then stops in an orderly way. */
async function until(notifier: Notifier, done: () => boolean): Promise<void> {
  const abort = new AbortController();
  const running = notifier.run(abort.signal);
  await eventually(done, Boolean, { what: "what it runs for", every_ms: 5 });
  abort.abort();
  await running;
}

Deno.test("alerts are sent signed, to the routes that take them, and once over a restart", async () => {
  await withParts(async ({ parts, rows, raise, routes }) => {
    const { got, server, url } = receiver();
    routes.push(
      route(`${url}/plain`, { severities: ["high"] }),
      route(`${url}/chat`, { name: "chat", body: "slack" }),
    );
    await raise(alert("e1"), alert("e2", "low"), alert("e1"));
    await until(new Notifier(parts), () => rows.length >= 3);
    deepStrictEqual(got.map(({ path }) => path).sort(), ["/chat", "/chat", "/plain"]);
    for (const { headers, body } of got) {
      const secrets = [{ secret: SECRET, until_ms: null }];
      ok(standardWebhooks.verify({ headers, body, now_ms: Date.now() }, secrets));
    }
    const plain = JSON.parse(new TextDecoder().decode(got.find(({ path }) => path === "/plain")!.body));
    strictEqual(plain.data.event_id, "e1");
    strictEqual(got.find(({ path }) => path === "/plain")!.headers.get("webhook-id"), alert("e1").alert_id);
    const chat = new TextDecoder().decode(got.find(({ path }) => path === "/chat")!.body);
    ok(chat.includes("&lt;ada&gt;") && !chat.includes("<ada>"));
    await raise(alert("e3"));
    await until(new Notifier(parts), () => rows.length >= 5);
    deepStrictEqual(rows.map((row) => `${row.target} ${row.outcome} ${row.status}`).sort(), [
      "chat sent 200",
      "chat sent 200",
      "chat sent 200",
      "ops sent 200",
      "ops sent 200",
    ]);
    await server.shutdown();
  });
});

Deno.test("an address that names who asks is asked by them", async () => {
  await withParts(async ({ parts, rows, raise, routes }) => {
    const { got, server, url } = receiver();
    routes.push(route(url.replace("//", "//ada:p%C3%A9@")), route(url, { name: "nobody" }));
    await raise(alert("e1"));
    await until(new Notifier(parts), () => rows.length >= 2);
    await server.shutdown();
    const asked = got.map(({ headers }) => headers.get("authorization"));
    deepStrictEqual(asked.sort(), ["Basic YWRhOnDDqQ==", null]);
  });
});

Deno.test("an alert is tried again after a fault and given up at last; a redirect is a fault", async () => {
  await withParts(async ({ parts, rows, raise, routes }) => {
    const { server, url } = receiver([500, 200, 302, 503, 404]);
    routes.push(route(url));
    await raise(alert("e1"));
    // Kept, not only received: a stop before that sends the alert again, which is right and not what is tried here.
    await until(new Notifier(parts), () => rows.length >= 2);
    await raise(alert("e2"));
    await until(new Notifier(parts), () => rows.length >= 5);
    await server.shutdown();
    deepStrictEqual(rows.map((row) => [row.attempt, row.outcome, row.status]), [
      [1, "failed", 500],
      [2, "sent", 200],
      [1, "failed", 302],
      [2, "failed", 503],
      [3, "failed", 404],
    ]);
  });
});

Deno.test("alerts that are not sent are told of seldom, and each is a row", async () => {
  await withParts(async ({ parts, rows, raise, routes }) => {
    const told: Facts[] = [];
    const line = { ...QUIET, warn: (_message: string, facts?: Facts) => void told.push(facts ?? {}) };
    const clock = { ...systemClock, now: () => 1_800_000_000_000 };
    routes.push(route("http://127.0.0.1:1/"));
    await raise(...Array.from({ length: 30 }, (_, i) => alert(`e${i}`)));
    await until(new Notifier({ ...parts, line, clock, secret: null }), () => rows.length >= 30);
    deepStrictEqual(rows.map((row) => row.outcome), Array(30).fill("refused"));
    deepStrictEqual(told.map(({ target }) => target), ["ops"]);
  });
});

Deno.test("a leader that dies before it kept its place leaves its alerts to the next, once its lease has ended", async () => {
  await withParts(async ({ parts, raise, routes }) => {
    const { got, server, url } = receiver();
    routes.push(route(url));
    let now = 1_000_000;
    const clock = { now: () => now, sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 1)) };
    const keepRows = () => Promise.reject(new Error("killed"));
    const dying = new Notifier({ ...parts, clock, keepRows, lease_ms: 15_000 });
    const next = new Notifier({ ...parts, clock, lease_ms: 15_000 });
    const { signal } = new AbortController();
    await raise(alert("e1"));
    await dying.step(signal).catch(() => undefined);
    await eventually(() => got.length, (count) => count === 1, { what: "the alert" });
    strictEqual(await next.step(signal), false);
    now += 14_000;
    strictEqual(await next.step(signal), false);
    now += 1_000;
    strictEqual(await next.step(signal), true);
    await eventually(() => got.length, (count) => count === 2, { what: "the alert once more" });
    strictEqual(got[0].headers.get("webhook-id"), got[1].headers.get("webhook-id"));
    strictEqual(await dying.step(signal), false);
    await server.shutdown();
  });
});

Deno.test("a target that does not answer holds up nobody else's alerts", async () => {
  await withParts(async ({ parts, raise, routes }) => {
    const { got, server, url } = receiver();
    const never = Promise.withResolvers<Response>();
    const silent = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => never.promise);
    routes.push(route(`http://127.0.0.1:${silent.addr.port}/`, { name: "silent" }), route(url));
    await raise(alert("e1"));
    const notifier = new Notifier(parts);
    const abort = new AbortController();
    const running = notifier.run(abort.signal);
    const until = (count: number) =>
      eventually(() => got.length, (length) => length >= count, { what: `alert ${count}` });
    await until(1);
    await raise(alert("e2"));
    await until(2);
    abort.abort();
    await running;
    never.resolve(new Response());
    await silent.shutdown();
    await server.shutdown();
  });
});

Deno.test("a new route begins with what comes after it, and one that was taken out is forgotten", async () => {
  await withParts(async ({ parts, raise, routes }) => {
    const { got, server, url } = receiver();
    routes.push(route(`${url}/first`));
    const { signal } = new AbortController();
    const notifier = new Notifier(parts);
    const sent = async (paths: readonly string[]) => {
      while (got.length < paths.length) {
        await notifier.step(signal);
        await pause(5);
      }
      deepStrictEqual(got.splice(0).map(({ path }) => path).sort(), paths);
    };
    await raise(alert("e1"));
    await sent(["/first"]);
    // Like what every object has.
    routes.push(route(`${url}/second`, { name: "constructor" }));
    await notifier.step(signal);
    await raise(alert("e2"));
    await sent(["/first", "/second"]);
    const second = routes.pop()!;
    await notifier.step(signal);
    await raise(alert("e3"));
    await sent(["/first"]);
    routes.push(second);
    await notifier.step(signal);
    await raise(alert("e4"));
    await sent(["/first", "/second"]);
    await server.shutdown();
  });
});

Deno.test("private targets are refused in every spelling, and not tried again", async () => {
  await withParts(async ({ parts, rows, raise, routes }) => {
    const { got, server } = receiver();
    const { port } = server.addr;
    const hosts = [
      "127.0.0.1",
      "[::ffff:127.0.0.1]",
      "0x7f.1",
      "2130706433",
      "localhost",
      "[::1]",
      "169.254.169.254",
    ];
    hosts.forEach((host, i) =>
      routes.push(route(`http://${host}:${port}/`, { name: `t${i}`, allow_private: false }))
    );
    await raise(alert("e1"));
    await until(new Notifier(parts), () => parts.metrics.samples().length === hosts.length);
    await server.shutdown();
    deepStrictEqual(got, []);
    deepStrictEqual(rows.map(({ outcome, attempt }) => [outcome, attempt]), hosts.map(() => ["refused", 1]));
  });
});

Deno.test("what failed to be kept is sent again by the same program", async () => {
  await withParts(async ({ parts, rows, raise, routes }) => {
    const { got, server, url } = receiver();
    routes.push(route(url));
    let refuse = true;
    const keepRows = (more: readonly Row[]) => {
      if (refuse) {
        return Promise.reject(new Fault("away", "Cannot", { blame: "dependency", retry: "after_backoff" }));
      }
      return parts.keepRows(more);
    };
    const clock = {
      now: () => Date.now(),
      sleep: (_: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
    };
    await raise(alert("e1"));
    await until(new Notifier({ ...parts, clock, keepRows }), () => {
      refuse = got.length < 2;
      return got.length >= 2 && rows.length > 0;
    });
    strictEqual(rows[0].outcome, "sent");
    await server.shutdown();
  });
});

Deno.test("without a secret only chats are told", async () => {
  await withParts(async ({ parts, rows, raise, routes }) => {
    const { got, server, url } = receiver();
    routes.push(route(`${url}/plain`), route(`${url}/chat`, { name: "chat", body: "slack" }));
    await raise(alert("e1"));
    await until(new Notifier({ ...parts, secret: null }), () => parts.metrics.samples().length === 2);
    await server.shutdown();
    deepStrictEqual(got.map(({ path }) => path), ["/chat"]);
    deepStrictEqual(rows.map(({ target, outcome }) => `${target} ${outcome}`).sort(), [
      "chat sent",
      "ops refused",
    ]);
  });
});

Deno.test("a file of routes is refused with line and reason", () => {
  for (const text of [null, "", "# nothing\n"]) deepStrictEqual(readAlertsFile(text), []);
  const [one] = readAlertsFile(
    "webhooks:\n  - { name: ops, url: 'https://example.com/x', severities: [high] }\n",
  );
  strictEqual(one.allow_private, false);
  for (const text of ["webhooks:\n  - { name: ops, url: 'file:///etc' }", "webhooks: 3", "hooks: []"]) {
    let refused = "";
    try {
      readAlertsFile(text);
    } catch (error) {
      refused = String(error);
    }
    ok(refused.includes("Cannot take over alerts.yaml: line "), refused);
  }
});
