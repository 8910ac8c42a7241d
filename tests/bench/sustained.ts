/**
 * Ten minutes at 10,000 events a second through the door, embedded, with all rules, windows, models, compaction and
 * audits on: `deno task bench sustained [seconds]`. Lag must not grow, nothing may be lost, the audit must be clean.
 */
import { settled, startProgram } from "../program.ts";
import { type Bench, type Figure, median, quantile, transactionLine } from "./bench.ts";
import { openLoop, pause, requestBytes } from "./sender.ts";

const PER_SECOND = 10_000;
const BATCH = 250;
const USERS = 20_000;
const CONNECTIONS = 8;
const WATCH_EVERY_MS = 500;
const DEFAULT_SECONDS = 600;
const MAX_SECONDS = 86_400;

/** How the program was at a moment. */
interface Moment {
  /** Acknowledged events that cannot be queried yet. */
  behind: number;
  rss_bytes: number;
  files: number;
}

interface Progress {
  /** When how many events were acknowledged and could be queried, ascending. */
  acknowledged: { at: number; events: number }[];
  visible: { at: number; events: number }[];
  moments: Moment[];
}

export const sustainedBench: Bench = {
  name: "sustained",
  async run([argument]) {
    const seconds = Math.min(MAX_SECONDS, Number(argument ?? DEFAULT_SECONDS));
    if (!(seconds > 0)) throw new RangeError(`${argument} is no number of seconds`);
    const folder = await Deno.makeTempDir();
    const program = await startProgram({ env: { DATA_DIR: folder } });
    try {
      const progress: Progress = { acknowledged: [], visible: [], moments: [] };
      const over = new AbortController();
      const watching = watch(program.url, program.pid, progress, over.signal);
      const began = performance.now();
      let sent = 0;
      const latencies = await openLoop(program.url, batches(seconds), {
        per_second: PER_SECOND / BATCH,
        connections: CONNECTIONS,
        answered: () => progress.acknowledged.push({ at: performance.now(), events: sent += BATCH }),
      });
      const took_s = (performance.now() - began) / 1000;
      const under_load = progress.moments.length;
      await settled(program.url);
      await pause(2 * WATCH_EVERY_MS);
      over.abort();
      await watching;
      await prove(program.url, folder, sent);
      return figuresOf(progress, { latencies, per_second: sent / took_s, under_load });
    } finally {
      await program.kill();
      await Deno.remove(folder, { recursive: true });
    }
  },
};

function* batches(seconds: number): Generator<Uint8Array> {
  const count = seconds * PER_SECOND / BATCH;
  for (let batch = 0; batch < count; batch++) {
    const [kind, line] = batch % 2 === 0
      ? ["transaction", transactionLine] as const
      : ["clickstream", clickLine] as const;
    const now = Date.now();
    const lines = Array.from({ length: BATCH }, (_, i) => {
      const number = batch * BATCH + i;
      // Spread over the users without an order that a real stream would not have.
      return line(number, now, { user: Math.imul(number, 0x9e3779b1) >>> 0, of: USERS });
    });
    const headers = { "content-type": "application/x-ndjson" };
    yield requestBytes({ path: `/ingest/${kind}`, headers, body: lines.join("\n") });
  }
}

const ACTIONS = ["page_view", "page_view", "page_view", "search", "add_to_cart", "purchase"];

function clickLine(i: number, timestamp_ms: number, { user, of }: { user: number; of: number }): string {
  const event_type = ACTIONS[i % ACTIONS.length];
  return JSON.stringify({
    event_id: `click-${String(i).padStart(12, "0")}`,
    event_type,
    timestamp: timestamp_ms,
    user_id: `user_${user % of}`,
    session_id: `session_${user % of}`,
    page_url: `https://shop.example/products/${i % 1000}`,
    user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    ip_address: "203.0.113.7",
    geo_country: "DE",
    product_id: `product_${i % 1000}`,
    product_category: `category_${i % 20}`,
    ...(event_type === "purchase" ? { price_cents: 100 + i % 5000, quantity: 1 + i % 3 } : {}),
  });
}

/** Notes again and again what can be queried, and how much memory and how many files that takes. */
async function watch(url: string, pid: number, progress: Progress, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const answer = await fetch(`${url}/api/tables`).then((one) => one.json());
    const items: { name: string; rows: number | null; files: number | null }[] = answer.items;
    const events = ["processed.transactions", "processed.clickstream"]
      .reduce((sum, name) => sum + (items.find((one) => one.name === name)?.rows ?? 0), 0);
    progress.visible.push({ at: performance.now(), events });
    progress.moments.push({
      behind: (progress.acknowledged.at(-1)?.events ?? 0) - events,
      rss_bytes: await residentBytes(pid),
      files: items.reduce((sum, one) => sum + (one.files ?? 0), 0),
    });
    await pause(WATCH_EVERY_MS);
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Every acknowledged event is one row, and the audit has nothing to say. */
async function prove(url: string, folder: string, sent: number): Promise<void> {
  const sql = `SELECT (SELECT count(DISTINCT event_id) FROM transactions) +
    (SELECT count(DISTINCT event_id) FROM clickstream) AS ids,
    (SELECT count(*) FROM transactions) + (SELECT count(*) FROM clickstream) AS n`;
  const answer = await fetch(`${url}/api/query`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sql }),
  });
  const { rows: [[ids, n]] } = await answer.json();
  if (Number(ids) !== sent || Number(n) !== sent) {
    throw new Error(`${sent} events were acknowledged, ${n} rows hold ${ids} of them`);
  }
  const audit = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("../../main.ts", import.meta.url).pathname, "audit"],
    env: { DATA_DIR: folder },
  }).output();
  const decoder = new TextDecoder();
  if (audit.code !== 0) {
    throw new Error(
      `the audit is not clean:\n${decoder.decode(audit.stdout)}${decoder.decode(audit.stderr)}`,
    );
  }
}

/** Each event's time from its answer to the first look that found it in a table, in seconds. */
function ages({ acknowledged, visible }: Progress): number[] {
  let look = 0;
  return acknowledged.map(({ at, events }) => {
    while (look < visible.length - 1 && visible[look].events < events) look++;
    return Math.max(0, visible[look].at - at) / 1000;
  });
}

interface Sent {
  latencies: number[];
  per_second: number;
  /** So many of the moments fell into the time of sending. */
  under_load: number;
}

function figuresOf(progress: Progress, sent: Sent): Figure[] {
  const moments = progress.moments.slice(0, sent.under_load);
  const quarter = Math.max(1, Math.floor(moments.length / 4));
  const behind = (from: number) => median(moments.slice(from, from + quarter).map((one) => one.behind));
  const rss = moments.map((one) => one.rss_bytes / 1024 / 1024);
  return [
    { what: "sent and acknowledged", value: sent.per_second, unit: "events/s", must: PER_SECOND * 0.99 },
    { what: "answer of the door, p99", value: quantile(sent.latencies, 0.99), unit: "ms" },
    {
      what: "events behind, last quarter",
      value: behind(moments.length - quarter),
      unit: "events",
      reference: { what: "second quarter", value: Math.max(1, behind(quarter)) },
      must: 1.3,
      smaller: true,
    },
    {
      what: "acknowledged to queryable, p99",
      value: quantile(ages(progress), 0.99),
      unit: "s",
      must: 10,
      smaller: true,
    },
    { what: "memory at most", value: Math.max(...rss), unit: "MB" },
    {
      what: "memory, last quarter",
      value: median(rss.slice(-quarter)),
      unit: "MB",
      reference: { what: "second quarter", value: median(rss.slice(quarter, 2 * quarter)) },
    },
    { what: "files at the end", value: progress.moments.at(-1)!.files, unit: "files" },
  ];
}
