import { deepEqual, equal } from "node:assert/strict";
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import { claim } from "../../lib/checkpoint/claim.ts";
import type { Clock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { type LakeStatus, readStatus, type StatusContext } from "../../lib/lake/status.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { MemoryStore } from "../store/memory_store.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const clock: Clock = { now: () => NOW, sleep: () => Promise.resolve() };

function record(offset: number, source: string, kind = "event"): LogRecord {
  const headers = { source, kind };
  return { partition: 0, offset, key: null, value: new Uint8Array(), headers, received_at: NOW - 3_000 };
}

function logOf(records: readonly LogRecord[]): StatusContext["log"] {
  return {
    bounds: () => Promise.resolve({ begin: 0, end: records.length }),
    read: (_topic, _partition, from) => Promise.resolve(records.slice(from)),
  };
}

/** The status of one partition of which nothing was processed. */
async function statusOf(context: Partial<StatusContext>): Promise<LakeStatus> {
  await using store = new MemoryStore();
  return await readStatus({
    log: logOf([]),
    catalog: fileCatalog(store, { prefix: "lake/" }),
    chains: new Map([[0, new CheckpointChain(store, 0, () => Promise.resolve())]]),
    spill: () => ({ records: 0, bytes: 0, oldest_ms: null }),
    clock,
    ...context,
  });
}

Deno.test("readStatus is settled when nothing waits anywhere", async () => {
  const status = await statusOf({});
  equal(status.settled, true);
  deepEqual(status.spill, { records: 0, bytes: 0, oldest_seconds: 0 });
  deepEqual(status.compaction, { waiting_files: 0, files: 0, bytes: 0, last_run: null });
});

Deno.test("readStatus counts what the log holds and nobody decided, control records left out", async () => {
  const status = await statusOf({
    log: logOf([record(0, "millrace", "tick"), record(1, "shop"), record(2, "shop")]),
  });
  equal(status.settled, false);
  equal(status.freshness_seconds, 3);
  const [{ end_offset, next_offset, lag_records, lag_seconds }] = status.partitions;
  deepEqual([end_offset, next_offset, lag_records, lag_seconds], [3, 0, 2, 3]);
  const [{ source, accepted, in_flight, holds }] = status.accounting;
  deepEqual([source, accepted, in_flight, holds], ["shop", 2, 2, true]);
});

Deno.test("readStatus counts an event of another program that calls itself millrace", async () => {
  const [{ source, in_flight }] = (await statusOf({ log: logOf([record(0, "millrace")]) })).accounting;
  deepEqual([source, in_flight], ["millrace", 1]);
});

Deno.test("readStatus counts a long tail without reading it", async () => {
  const asked: number[] = [];
  const log: StatusContext["log"] = {
    bounds: () => Promise.resolve({ begin: 0, end: 1_000_000 }),
    read(_topic, _partition, from, { max_records }) {
      asked.push(max_records);
      return Promise.resolve([record(from, "shop")]);
    },
  };
  const status = await statusOf({ log });
  deepEqual(asked, [1]);
  const [{ lag_records, lag_seconds }] = status.partitions;
  deepEqual([lag_records, lag_seconds, status.settled], [1_000_000, 3, false]);
});

Deno.test("readStatus is not settled while something waits in the spill", async () => {
  const spill = () => ({ records: 5, bytes: 900, oldest_ms: NOW - 7_000 });
  const status = await statusOf({ spill });
  equal(status.settled, false);
  deepEqual(status.spill, { records: 5, bytes: 900, oldest_seconds: 7 });
  equal(status.freshness_seconds, 7);
});

Deno.test("readStatus claims nothing of a log that cannot be asked", async () => {
  const away = () =>
    Promise.reject(new Fault("kafka", "Cannot ask", { blame: "dependency", retry: "after_backoff" }));
  equal((await statusOf({ log: { bounds: away, read: away } })).settled, false);
});

Deno.test("readStatus tells what is left of a log that lost records, and is not settled", async () => {
  await using store = new MemoryStore();
  const chain = new CheckpointChain(store, 0, () => Promise.resolve());
  const claimed = await claim(chain, {
    log: { id: "log", partitions: 1 },
    log_begin: 0,
    newId: () => "id",
    now: () => NOW,
    alarm: () => undefined,
  });
  equal(claimed.outcome, "claimed");
  const records = [record(4, "shop"), record(5, "shop")];
  const read = (_topic: string, _partition: number, from: number) =>
    from < 4
      ? Promise.reject(new Fault("log_truncated", "Cannot read", { blame: "dependency", retry: "never" }))
      : Promise.resolve(records.filter(({ offset }) => offset >= from));
  const log = { bounds: () => Promise.resolve({ begin: 4, end: 6 }), read };
  const status = await statusOf({ log, chains: new Map([[0, chain]]) });
  const [{ next_offset, end_offset, lag_records }] = status.partitions;
  deepEqual([next_offset, end_offset, lag_records], [0, 6, 2]);
  equal(status.settled, false);
});

Deno.test("readStatus is not settled when a log that had nothing left lost what was not processed", async () => {
  await using store = new MemoryStore();
  const chain = new CheckpointChain(store, 0, () => Promise.resolve());
  await claim(chain, {
    log: { id: "log", partitions: 1 },
    log_begin: 0,
    newId: () => "id",
    now: () => NOW,
    alarm: () => undefined,
  });
  const log = { bounds: () => Promise.resolve({ begin: 6, end: 6 }), read: () => Promise.resolve([]) };
  equal((await statusOf({ log, chains: new Map([[0, chain]]) })).settled, false);
});
