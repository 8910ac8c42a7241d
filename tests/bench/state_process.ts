/** The owner of one partition with a million users, alone in a process: what it holds and what its checkpoints cost. */
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import { systemClock } from "../../lib/clock.ts";
import type { EventLog, LogRecord } from "../../lib/log/log.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { newProcessor, SHIPPED, shippedControls } from "../shipped_stream.ts";

const USERS = 1_000_000;
const CHANGED = USERS / 100;
/** Everybody pays once within a quarter of an hour: nothing of it can be forgotten yet. */
const SPAN_MS = 900_000;
const BEGINS_MS = Date.UTC(2026, 0, 5, 8);
/** In which the engine gives back what it had kept for a million events at full speed. */
const REST_MS = 15_000;
const CITIES = [[52.52, 13.405], [48.857, 2.352], [40.417, -3.704], [41.902, 12.496], [59.913, 10.752]];

const encoder = new TextEncoder();

/** Payment number `i`; the first million are of different users. */
function payment(i: number): LogRecord {
  const at_ms = Math.floor(BEGINS_MS + (i / USERS) * SPAN_MS);
  const user = i % USERS;
  const [lat, lon] = CITIES[user % CITIES.length];
  const event = {
    event_id: `evt_${i}`,
    timestamp: at_ms,
    user_id: `user_${String(user).padStart(7, "0")}`,
    amount: `${1 + (i * 7919) % 500}.${10 + i % 90}`,
    currency: "EUR",
    status: "completed",
    merchant_id: `merchant_${i % 300}`,
    country: "DE",
    lat,
    lon,
  };
  return {
    partition: 0,
    offset: i + 2,
    key: null,
    value: encoder.encode(JSON.stringify(event)),
    headers: { source: "token", kind: "transaction", content_type: "application/json" },
    received_at: at_ms,
  };
}

/** Gives the first `most.end` records as they are asked for, made this moment. */
function madeUpLog(most: { end: number }): EventLog {
  const controls = shippedControls(BEGINS_MS);
  return {
    identity: () => Promise.resolve({ id: "made up", partitions: 1 }),
    append: (_topic, records) => Promise.resolve(records.map(() => -1)),
    bounds: () => Promise.resolve({ begin: 0, end: most.end }),
    async read(_topic, _partition, from, { max_records, wait_ms }) {
      if (from >= most.end) await new Promise((resolve) => setTimeout(resolve, wait_ms));
      const count = Math.max(0, Math.min(max_records, most.end - from));
      return Array.from({ length: count }, (_, i) => controls[from + i] ?? payment(from + i - 2));
    },
    offsetAt: () => Promise.resolve(0),
    trim: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const folder = await Deno.makeTempDir();
await using store = await openDiskStore(folder);
const most = { end: USERS + 2 };
const cuts: { next_offset: number; cut_ms: number; image: boolean }[] = [];
let decided = Promise.withResolvers<void>();
const abort = new AbortController();
let image = "";
const owner = ownPartition(0, {
  log: madeUpLog(most),
  store,
  chain: new CheckpointChain(store, 0, () => Promise.resolve()),
  identity: { id: "made up", partitions: 1 },
  clock: systemClock,
  checkpoint_ms: 5_000,
  tick_after_ms: 1e12,
  newId: () => crypto.randomUUID(),
  newProcessor,
  seeds: () => SHIPPED,
  applied: () => Promise.resolve([]),
  evolve: () => Promise.resolve(),
  events: {
    claimed: () => undefined,
    decided({ next_offset, state }, cut_ms) {
      const key = state.image?.key ?? "";
      cuts.push({ next_offset, cut_ms, image: key !== image });
      image = key;
      if (next_offset === most.end) decided.resolve();
    },
    turned: () => undefined,
    lag: () => undefined,
    warn: (message) => console.error(message),
    alarm: (message) => console.error(message),
  },
}, abort.signal);
await decided.promise;
const loaded_bytes = Deno.memoryUsage().rss;
await new Promise((resolve) => setTimeout(resolve, REST_MS));
const rss_bytes = Deno.memoryUsage().rss;

decided = Promise.withResolvers<void>();
most.end += CHANGED;
await decided.promise;
const { cut_ms } = cuts.at(-1)!;
abort.abort();
await owner;
const peak_bytes = peakOf(await Deno.readTextFile("/proc/self/status"));
const images = cuts.filter((cut) => cut.image).map((cut) => cut.cut_ms);
console.log(
  JSON.stringify({ rss_bytes, loaded_bytes, peak_bytes, cut_ms, image_ms: Math.max(0, ...images) }),
);
await Deno.remove(folder, { recursive: true });

function peakOf(status: string): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
