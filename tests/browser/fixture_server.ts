/** A server for the page's tests: the built page under its strict policy, canned API answers, real files by range. */
import { pageResponse } from "../../static/assets.ts";
import { builtPage } from "./built_page.ts";
import { cannedAnswer, deltaPayload, json, problem, snapshotPayload } from "./fixture_answers.ts";
import { type FixtureLake, type FixtureTable, makeFixtureLake, type TableSpec } from "./fixture_lake.ts";

export interface FixtureServer extends AsyncDisposable {
  url: string;
  lake: FixtureLake;
  /** `METHOD /path` of every request, in order. */
  requests: string[];
  /** Ends all live streams, as a cut of the network would; `hold` refuses new ones until released. */
  cutLive(hold: boolean): void;
  /** Puts another answer in the place of a canned one, by `METHOD /path`. */
  answers: Map<string, (request: Request) => Response | Promise<Response>>;
  store: FixtureStore | null;
}

export interface FixtureStore {
  url: string;
  /** Bytes that were asked for. */
  sent_bytes: number;
  /** Signatures made from now on are wanted; older ones are refused. */
  expire(): void;
  redirect(pathname: string): Response;
  end(): Promise<void>;
}

/** A store that gives files to who has a signature of the present time, to pages of any origin. */
function startFixtureStore(lake: FixtureLake): FixtureStore {
  let time = 1;
  const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": "content-range, etag" };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    if (request.method === "OPTIONS") {
      return new Response(null, {
        status: 204,
        headers: { ...cors, "access-control-allow-headers": "range" },
      });
    }
    const isSigned = new URL(request.url).searchParams.get("signature") === `secret-${time}`;
    const answer = isSigned
      ? await lakeFile(lake, request)
      : problem(403, "Forbidden", "the signature expired");
    if (!answer) return problem(404, "Not found", request.url);
    store.sent_bytes += Number(answer.headers.get("content-length") ?? 0);
    for (const [name, value] of Object.entries(cors)) answer.headers.set(name, value);
    return answer;
  });
  const store: FixtureStore = {
    url: `http://127.0.0.1:${server.addr.port}`,
    sent_bytes: 0,
    expire: () => time += 1,
    redirect(pathname) {
      const location = `${store.url}${pathname}?signature=secret-${time}`;
      return new Response(null, { status: 307, headers: { location, "cache-control": "no-store" } });
    },
    end: () => server.shutdown(),
  };
  return store;
}

export interface FixtureOptions {
  /** Data files are redirected to a store of another origin, under a signature, as with a bucket. */
  store?: boolean;
  /** Tables beside the usual ones. */
  tables?: readonly TableSpec[];
  /** Added to every answer with a data file, for the round trip of a far server. */
  delay_ms?: number;
}

export async function startFixtureServer(options: FixtureOptions = {}): Promise<FixtureServer> {
  await builtPage();
  const lake = await makeFixtureLake(options.tables);
  const store = options.store ? startFixtureStore(lake) : null;
  const live = new LiveFixture();
  const requests: string[] = [];
  const answers: FixtureServer["answers"] = new Map();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    const given = answers.get(`${request.method} ${pathname}`);
    if (given) return await given(request);
    if (pathname === "/api/live") return live.response();
    if (pathname === "/favicon.ico") return new Response(null, { status: 204 });
    const isRead = request.method === "GET" && pathname.startsWith("/lake/");
    if (isRead && options.delay_ms) await new Promise((resolve) => setTimeout(resolve, options.delay_ms));
    if (store && isRead) return store.redirect(pathname);
    return await pageResponse(request, { storeOrigin: store?.url ?? null }) ??
      await lakeFile(lake, request) ??
      api(lake, request) ?? await cannedAnswer(request) ?? problem(404, "Not found", pathname);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    lake,
    requests,
    answers,
    store,
    cutLive: (hold) => live.cut(hold),
    async [Symbol.asyncDispose]() {
      live.cut(true);
      await server.shutdown();
      await store?.end();
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

if (import.meta.main) {
  const server = await startFixtureServer();
  console.log(server.url);
}
