/** Canned answers of the API for the page's tests: enough of each kind to fill every page. */

export function deltaPayload(accepted: number) {
  const t = Math.floor(Date.now() / 1000) * 1000;
  const wave = Math.round(160 + 60 * Math.sin(t / 9000));
  return {
    at: new Date().toISOString(),
    metrics: { accepted, events_per_second: wave, alerts: 60, freshness_seconds: 3.4, lag_records: 12 },
    history: t % 2000 === 0 ? [point(t)] : undefined,
  };
}

function point(t: number) {
  const wave = 160 + 60 * Math.sin(t / 9000) + 25 * Math.sin(t / 2100);
  return {
    t,
    kinds: {
      transaction: Math.round(wave * 0.45),
      clickstream: Math.round(wave * 0.4),
      api_call: Math.round(wave * 0.1),
      sensor_reading: Math.round(wave * 0.05),
    },
    sources: { demo: Math.round(wave * 0.9), stripe: Math.round(wave * 0.1) },
  };
}

export function snapshotPayload(accepted: number) {
  const now = Math.floor(Date.now() / 1000) * 1000;
  return {
    at: new Date().toISOString(),
    metrics: {
      accepted,
      events_per_second: 212,
      alerts: 60,
      dead_letters: 31,
      duplicates: 75,
      rows: accepted - 140,
      lag_records: 12,
      lag_seconds: 0.4,
      freshness_seconds: 3.4,
      active_sessions: 41,
      active_windows: 380,
    },
    stages: [
      { name: "door", state: "ok", lag_records: null, note: "212/s" },
      { name: "log", state: "ok", lag_records: null, note: "4 partitions" },
      { name: "process", state: "ok", lag_records: 12, note: "checkpoint 1,204" },
      { name: "publish", state: "ok", lag_records: 840, note: "3.4 s fresh" },
      { name: "compact", state: "idle", lag_records: null, note: "12 files waiting" },
    ],
    history: Array.from({ length: 240 }, (_, at) => point(now - (240 - at) * 1000)),
    alerts: Array.from({ length: 8 }, (_, at) => ({
      alert_id: `al_${at}`,
      rule: ["rapid_activity", "amount_anomaly", "impossible_travel", "unusual_hour"][at % 4],
      severity: ["medium", "high", "critical", "low"][at % 4],
      user_id: `user_${at}`,
      event_time: new Date(now - (8 - at) * 40_000).toISOString(),
      description: [
        "5 transactions in 60 s",
        "4,310.00 EUR is 5.2 deviations above 212.40",
        "1,340 km in 12 min",
        "at 03:12 UTC",
      ][at % 4],
      z_score: at % 4 === 1 ? 5.2 : null,
    })),
    dead_letters: { schema: 17, undecodable: 6, future_timestamp: 5, id_conflict: 3 },
    accounting: [
      {
        source: "demo",
        accepted: accepted - 400,
        rows: accepted - 530,
        duplicates: 70,
        dead_letters: 28,
        unmapped: 20,
        of_which_late: 4,
        in_flight: 12,
        holds: true,
      },
      {
        source: "stripe",
        accepted: 400,
        rows: 390,
        duplicates: 5,
        dead_letters: 3,
        unmapped: 2,
        of_which_late: 0,
        in_flight: 0,
        holds: true,
      },
    ],
    problems: [],
  };
}

export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status });
}

export function problem(status: number, title: string, detail: string): Response {
  return new Response(JSON.stringify({ type: "about:blank", title, status, detail }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

const LETTERS = Array.from({ length: 24 }, (_, at) => ({
  dead_letter_id: `dl_${at}`,
  reason: ["schema", "undecodable", "future_timestamp", "id_conflict"][at % 4],
  errors: at % 4 === 0
    ? [{ field: "amount", code: "out_of_range", expected: "not 0", actual: "0" }, {
      field: "currency",
      code: "invalid_enum",
      expected: "an ISO 4217 code",
      actual: "<img src=x onerror=globalThis.hacked=1>",
    }]
    : [],
  original: at % 4 === 1 ? '{"event_id": "broken' : `{"event_id":"e_${at}","amount":0,"currency":"XXX"}`,
  original_encoding: "utf8",
  source: ["stripe", "token", "demo"][at % 3],
  kind: "transaction",
  log_partition: at % 4,
  log_offset: 1000 + at,
  received_at: ago(at * 500),
  attempts: at % 3,
  replay_of: null,
  state: at % 5 === 4 ? "replayed" : "open",
}));

const ALERTS = Array.from({ length: 40 }, (_, at) => ({
  alert_id: `al_${at}`,
  rule: ["rapid_activity", "amount_anomaly", "impossible_travel", "unusual_hour"][at % 4],
  rule_version: "3f9a1c",
  severity: ["medium", "high", "critical", "low"][at % 4],
  key: `user_${at % 9}`,
  user_id: `user_${at % 9}`,
  source: "demo",
  event_id: `evt_${at}`,
  event_time: ago(at * 340),
  detected_at: ago(at * 340 - 1),
  description: [
    "5 transactions in 60 s",
    "4,310.00 EUR is 5.2 deviations above 212.40",
    "1,340 km in 12 min",
    "at 03:12 UTC",
  ][at % 4],
  trigger_event_ids: [`evt_${at}`, `evt_${at + 1}`, `evt_${at + 2}`],
  context: { suppressed: at % 3 },
  acknowledged_at: at % 6 === 5 ? ago(60) : null,
  acknowledged_by: at % 6 === 5 ? "page" : null,
}));

const YAML = `rules:
  - name: high_value_transaction
    kind: threshold
    severity: high
    limits: { default: 10000, JPY: 1500000 }
  - name: rapid_activity
    kind: velocity
    severity: medium
    count: 5
    window: 60s
`;

const STATUS = () => ({
  settled: false,
  as_of: ago(1),
  freshness_seconds: 3.4,
  partitions: [0, 1, 2, 3].map((partition) => ({
    partition,
    end_offset: 31_204 + partition * 17,
    next_offset: 31_200 + partition * 17,
    published_offset: 31_010 + partition * 17,
    lag_records: 4,
    lag_seconds: 0.3,
    watermark: ago(12),
    checkpoint: 402 + partition,
    epoch: 3,
  })),
  accounting: snapshotPayload(12_000).accounting,
  spill: { records: 0, bytes: 0, oldest_seconds: null },
  compaction: { waiting_files: 12, files: 31, bytes: 4_200_000, last_run: ago(44) },
  stages: snapshotPayload(12_000).stages,
  rules: "3f9a1c",
  versions: { deno: "2.9.6" },
});

/** Answers what the pages ask beside tables and files; null for what they never ask. */
export async function cannedAnswer(request: Request): Promise<Response | null> {
  const url = new URL(request.url);
  switch (`${request.method} ${url.pathname}`) {
    case "GET /api/dead-letters":
      return json({
        items: matching(LETTERS, url.searchParams, ["reason", "source", "state"]),
        cursor: null,
      });
    case "POST /api/dead-letters/replay":
      return json({ matched: 1, replayed: 1, skipped: 0 });
    case "GET /api/alerts":
      return json({
        items: matching(ALERTS, url.searchParams, ["severity", "rule"]),
        cursor: null,
        suppressed: { rapid_activity: 7 },
      });
    case "GET /api/rules":
      return json({
        version: "3f9a1c",
        yaml: YAML,
        items: [{
          name: "high_value_transaction",
          kind: "threshold",
          severity: "high",
          enabled: true,
          over: "transaction",
        }, {
          name: "rapid_activity",
          kind: "velocity",
          over: "transaction",
          severity: "medium",
          enabled: true,
        }, {
          name: "merchant_diversity_spike",
          kind: "impossible_travel",
          over: "transaction",
          severity: "critical",
          enabled: false,
        }],
      });
    case "GET /api/kinds":
      return json({ items: [{ name: "transaction", table: "processed.transactions" }], cursor: null });
    case "PUT /api/rules":
      return await rulesAnswer(request);
    case "GET /api/status":
      return json(STATUS());
    case "GET /readyz":
      return json({
        status: "ready",
        role: "all",
        dependencies: [{ name: "log", condition: "ok", required: true, age_seconds: 0.9 }],
      });
  }
  return url.pathname.endsWith("/ack") && request.method === "POST"
    ? json({ acknowledged_at: ago(0), acknowledged_by: "page" })
    : null;
}

async function rulesAnswer(request: Request): Promise<Response> {
  const text = await request.text();
  const line = text.split("\n").findIndex((one) => one.includes("nonsense")) + 1;
  if (line > 0) {
    const message = `line ${line}: rules.0.kind nonsense is no known kind`;
    return Response.json({
      title: "Bad request",
      status: 400,
      detail: `Cannot take over rules.yaml: ${message}`,
      line,
      errors: [{ field: "rules.0.kind", code: "refused", actual: message, message }],
    }, { status: 400 });
  }
  const isDry = new URL(request.url).searchParams.has("dry_run");
  return json(
    isDry
      ? { alerts: 9, events: 4000, by_rule: { high_value_transaction: 2, rapid_activity: 7 } }
      : { version: "77aa01" },
  );
}

function matching<T extends object>(
  items: readonly T[],
  query: URLSearchParams,
  names: readonly string[],
): T[] {
  return items.filter((item) =>
    names.every((name) => !query.get(name) || String(Reflect.get(item, name)) === query.get(name))
  );
}
