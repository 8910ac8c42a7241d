/** The live stream begins with everything, goes on with differences, and ends with the server. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { AlertTail } from "../../lib/live/alert_tail.ts";
import { LiveHub, type LiveStatus } from "../../lib/live/hub.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { Health } from "../../lib/observe/health.ts";
import { Metrics } from "../../lib/observe/metrics.ts";
import { handClock, testApp } from "./test_app.ts";

function alertRecord(offset: number, alert_id = `a${offset}`): LogRecord {
  const row = {
    alert_id,
    rule: "high",
    severity: "high",
    user_id: "u",
    event_time: "2027-01-10T10:00:00.000",
    description: "Much.",
    context: { z_score: 4.2 },
  };
  const value = new TextEncoder().encode(JSON.stringify(row));
  return { partition: 0, offset, key: alert_id, value, headers: {}, received_at: offset };
}

function hub() {
  const clock = handClock();
  const metrics = new Metrics();
  const topic: LogRecord[] = [];
  const log = {
    identity: () => Promise.resolve({ id: "x", partitions: 1 }),
    bounds: () => Promise.resolve({ begin: 0, end: topic.length }),
    read: (_topic: string, _partition: number, from: number) => Promise.resolve(topic.slice(from)),
  };
  const status: { now: () => Promise<LiveStatus> } = {
    now: () => Promise.resolve({ partitions: [], accounting: [], freshness_seconds: 0 }),
  };
  const live = new LiveHub({
    clock,
    metrics,
    health: new Health([], clock),
    status: () => status.now(),
    alerts: new AlertTail(log),
    problems: () => [],
    scrub: (text) => text.replaceAll("s3cret", "[secret]"),
  });
  const { app } = testApp({}, { clock, live, metrics });
  return { clock, metrics, topic, status, live, app };
}

/** Reads messages one by one; a heartbeat is the text ": heartbeat". */
function events(response: Response) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  return {
    async next() {
      while (!rest.includes("\n\n")) {
        const { done, value } = await reader.read();
        if (done) return null;
        rest += value;
      }
      const [text] = rest.split("\n\n", 1);
      rest = rest.slice(text.length + 2);
      if (text.startsWith(":")) return { event: "comment", id: 0, data: text };
      const fields = Object.fromEntries(text.split("\n").map((line) => line.split(/: (.*)/s)));
      return {
        event: fields.event,
        id: Number(fields.id),
        retry: fields.retry,
        data: JSON.parse(fields.data),
      };
    },
    cancel: () => reader.cancel(),
  };
}

const turns = () => new Promise((resolve) => setTimeout(resolve, 5));

Deno.test("LiveHub goes on looking when the clock was set back", async () => {
  const { clock, status, live } = hub();
  await live.snapshot();
  clock.advance(-3_600_000);
  status.now = () => Promise.resolve({ partitions: [], accounting: [], freshness_seconds: 7 });
  equal((await live.snapshot()).metrics.freshness_seconds, 7);
});

Deno.test("live tells a snapshot, then what changed, and nothing twice", async () => {
  const { clock, metrics, topic, live, app } = hub();
  metrics.counter("events_accepted_total", { source: "shop" }).add(5);
  topic.push(alertRecord(0));
  const stream = events(await app.request("/api/live"));
  const first = await stream.next();
  equal(first?.event, "snapshot");
  equal(first?.data.metrics.accepted, 5);
  equal(first?.data.alerts.length, 1);
  equal(first?.data.alerts[0].event_time, "2027-01-10T10:00:00.000Z");
  const stop = new AbortController();
  const running = live.run(stop.signal);
  metrics.counter("events_accepted_total", { source: "shop" }).add(2);
  // A worker that was started again sends an alert once more.
  topic.push(alertRecord(1), alertRecord(2, "a0"));
  clock.advance(1_000);
  let told: Record<string, unknown>[] = [];
  for (let i = 0; i < 3 && told.length === 0; i++) {
    await turns();
    clock.advance(500);
    const delta = await stream.next();
    equal(delta?.event, "delta");
    ok((delta?.id ?? 0) > (first?.id ?? 0));
    equal(delta?.retry, "2000");
    if (delta?.data.alerts) told = delta.data.alerts;
    if (delta?.data.metrics.accepted) equal(delta.data.metrics.accepted, 7);
  }
  deepEqual(told.map(({ alert_id }) => alert_id), ["a1"]);
  stop.abort();
  await running;
  await stream.cancel();
});

Deno.test("live ends its streams when the hub ends, and forgets clients that left", async () => {
  const { live, app, metrics } = hub();
  const [left, stays] = [
    events(await app.request("/api/live")),
    events(await app.request("/api/live")),
  ];
  await left.next();
  await stays.next();
  await left.cancel();
  const stop = new AbortController();
  const running = live.run(stop.signal);
  await turns();
  equal(metrics.merged().find(({ name }) => name === "live_clients")?.value, 1);
  stop.abort();
  await running;
  while (await stays.next() !== null);
});

Deno.test("live sends a heartbeat when nothing is told for long", async () => {
  const { clock, app } = hub();
  const stream = events(await app.request("/api/live"));
  await stream.next();
  const next = stream.next();
  await turns();
  clock.advance(15_000);
  match(String((await next)?.data), /heartbeat/);
  await stream.cancel();
});

Deno.test("stats tells once, and says when the state cannot be read, without secrets", async () => {
  const { app, status } = hub();
  status.now = () => Promise.reject(new Error("no store at s3cret"));
  const body = await (await app.request("/api/stats")).json();
  deepEqual(body.problems, ["The state cannot be read: no store at [secret]"]);
  equal(body.metrics.accepted, 0);
  equal(body.metrics.alerts, 0);
});

Deno.test("live shows the strip and the accounting from the status", async () => {
  const { app, status } = hub();
  const partition = {
    end_offset: 9,
    next_offset: 7,
    published_offset: 4,
    lag_records: 2,
    lag_seconds: 60,
    checkpoint: 3,
  };
  const account = { source: "shop", accepted: 9, rows: 5, duplicates: 1, dead_letters: 1, unmapped: 0 };
  status.now = () =>
    Promise.resolve({ partitions: [partition], accounting: [account], freshness_seconds: 1 });
  const body = await (await app.request("/api/stats")).json();
  deepEqual(body.stages.map(({ name, state }: { name: string; state: string }) => [name, state]), [
    ["door", "idle"],
    ["log", "ok"],
    ["process", "behind"],
    ["publish", "ok"],
    ["compact", "idle"],
  ]);
  equal(body.metrics.accepted, 9);
  equal(body.metrics.rows, 5);
  equal(body.metrics.lag_records, 2);
  deepEqual(body.accounting, [account]);
});

Deno.test("live takes no client for a HEAD, which nobody would ever read", async () => {
  const { live, app } = hub();
  for (let i = 0; i < 300; i++) {
    const head = await app.request("/api/live", { method: "HEAD" });
    equal(head.headers.get("content-type"), "text/event-stream");
  }
  const stream = await app.request("/api/live");
  equal(stream.status, 200);
  await stream.body!.cancel();
  live.close();
});
