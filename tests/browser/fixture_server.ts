/** A server for the page's tests: the built page under its strict policy, canned API answers, real files by range. */
import { pageResponse } from "../../static/assets.ts";
import { buildPage, isStale } from "../../static/build.ts";
import { type FixtureLake, type FixtureTable, makeFixtureLake } from "./fixture_lake.ts";

export interface FixtureServer extends AsyncDisposable {
  url: string;
  lake: FixtureLake;
  /** `METHOD /path` of every request, in order. */
  requests: string[];
  /** Ends all live streams, as a cut of the network would; `hold` refuses new ones until released. */
  cutLive(hold: boolean): void;
  /** Puts another answer in the place of a canned one, by `METHOD /path`. */
  answers: Map<string, (request: Request) => Response | Promise<Response>>;
}

export async function startFixtureServer(): Promise<FixtureServer> {
  if (await isStale()) await buildPage({ compress: false });
  const lake = await makeFixtureLake();
  const live = new LiveFixture();
  const requests: string[] = [];
  const answers: FixtureServer["answers"] = new Map();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    const given = answers.get(`${request.method} ${pathname}`);
    if (given) return await given(request);
    if (pathname === "/api/live") return live.response();
    return await pageResponse(request, { storeOrigin: null }) ?? await lakeFile(lake, request) ??
      api(lake, request) ?? problem(404, "Not found", pathname);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    lake,
    requests,
    answers,
    cutLive: (hold) => live.cut(hold),
    async [Symbol.asyncDispose]() {
      live.cut(true);
      await server.shutdown();
      await lake[Symbol.asyncDispose]();
    },
  };
}

function api(lake: FixtureLake, request: Request): Response | null {
  const url = new URL(request.url);
  if (url.pathname === "/api/tables") return json({ items: lake.tables.map(tableItem), cursor: null });
  const match = /^\/api\/tables\/([^/]+)(\/files|\/snapshots)?$/.exec(url.pathname);
  if (!match) return null;
  const table = lake.tables.find((one) => one.name === decodeURIComponent(match[1]));
  if (!table) return problem(404, "Not found", `no table ${match[1]}`);
  if (match[2] === "/snapshots") {
    const items = table.snapshots.map(({ files, ...rest }) => ({ ...rest, rows: rowsOf(files) }));
    return json({ items: items.reverse(), cursor: null });
  }
  if (!match[2]) return json({ ...tableItem(table), schema: { fields: table.schema } });
  const snapshot = snapshotOf(table, url.searchParams);
  return json({
    snapshot_id: snapshot?.snapshot_id ?? null,
    committed_at: snapshot?.committed_at ?? null,
    schema: table.schema,
    files: snapshot?.files ?? [],
  });
}

function snapshotOf(table: FixtureTable, query: URLSearchParams) {
  const [id, asOf] = [query.get("snapshot"), query.get("as_of")];
  if (id) return table.snapshots.find((one) => one.snapshot_id === id);
  if (asOf) return table.snapshots.filter((one) => Date.parse(one.committed_at) <= Date.parse(asOf)).at(-1);
  return table.snapshots.at(-1);
}

function tableItem(table: FixtureTable) {
  const newest = table.snapshots.at(-1);
  return {
    name: table.name,
    kind: table.kind,
    sql: table.sql ?? undefined,
    rows: rowsOf(newest?.files ?? []),
    files: newest?.files.length ?? 0,
    bytes: (newest?.files ?? []).reduce((sum, file) => sum + file.size_bytes, 0),
    snapshot_id: newest?.snapshot_id ?? null,
    committed_at: newest?.committed_at ?? null,
    watermark: newest?.committed_at ?? null,
    freshness_seconds: 4,
    metadata_location: `file:///lake/${table.name.replace(".", "/")}/metadata/v1.metadata.json`,
  };
}

function rowsOf(files: readonly { rows: number }[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}

/** A data file as the real server gives it: HEAD, one range, 206. */
async function lakeFile(lake: FixtureLake, request: Request): Promise<Response | null> {
  const { pathname } = new URL(request.url);
  const files = lake.tables.flatMap((table) => table.snapshots.flatMap((one) => one.files));
  if (!files.some((file) => file.url === pathname)) return null;
  const bytes = await Deno.readFile(`${lake.folder}/${pathname.slice("/lake/".length)}`);
  const headers = new Headers({ "accept-ranges": "bytes", "content-type": "application/vnd.apache.parquet" });
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const isHead = request.method === "HEAD";
  if (!range) {
    headers.set("content-length", String(bytes.length));
    return new Response(isHead ? null : bytes, { headers });
  }
  const to = Math.min(Number(range[2] || bytes.length - 1), bytes.length - 1);
  headers.set("content-range", `bytes ${range[1]}-${to}/${bytes.length}`);
  headers.set("content-length", String(to - Number(range[1]) + 1));
  return new Response(isHead ? null : bytes.slice(Number(range[1]), to + 1), { status: 206, headers });
}

/** The stream of `/api/live`: a snapshot, then a delta four times a second. */
class LiveFixture {
  #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #isHeld = false;
  #accepted = 12_000;

  response(): Response {
    if (this.#isHeld) return problem(503, "Away", "the stream is held back");
    let timer: ReturnType<typeof setInterval> | undefined;
    let mine: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        mine = controller;
        this.#streams.add(controller);
        controller.enqueue(message("snapshot", snapshotPayload(this.#accepted)));
        timer = setInterval(() => {
          if (!this.#streams.has(controller)) return clearInterval(timer);
          this.#accepted += 53;
          controller.enqueue(message("delta", deltaPayload(this.#accepted)));
        }, 250);
      },
      cancel: () => {
        clearInterval(timer);
        if (mine) this.#streams.delete(mine);
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  cut(hold: boolean): void {
    this.#isHeld = hold;
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }
}

function message(event: string, payload: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\nid: 1\nretry: 500\ndata: ${JSON.stringify(payload)}\n\n`);
}

function deltaPayload(accepted: number) {
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

function snapshotPayload(accepted: number) {
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

if (import.meta.main) {
  const server = await startFixtureServer();
  console.log(server.url);
}
