/** Results on their topics. Invariant: none is lost, and a repetition has the ids of the first time. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import type { EventLog, LogRecord, NewRecord } from "../../lib/log/log.ts";
import { totalBytes } from "../../lib/log/record_batch.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { resultRecord } from "../../lib/partition/result_record.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { newProcessor } from "../lake/small_lake.ts";
import { quickFolder } from "../quick_folder.ts";
import { append, watched } from "./small_partition.ts";

const RECORDS = 12;

/** Owns a partition until all its results are decided, while sends of results are refused as `fault` says of each by number. */
async function sentDespite(fault: (send: number) => Fault | null) {
  const folder = await quickFolder();
  try {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    for (let i = 1; i <= RECORDS; i++) await append(log, i);
    const { context, caughtUp } = await watched(log, store, RECORDS);
    let sends = 0;
    const refusing: EventLog["append"] = async (topic, records) => {
      const refused = topic === "aggregates" ? fault(++sends) : null;
      if (refused) throw refused;
      return await log.append(topic, records);
    };
    const epochs: number[] = [];
    const claimed: typeof context.events.claimed = (checkpoint) => {
      epochs.push(checkpoint.epoch);
      context.events.claimed(checkpoint);
    };
    const own = {
      ...context,
      log: { ...context.log, append: refusing },
      events: { ...context.events, claimed },
    };
    const abort = new AbortController();
    const done = ownPartition(0, own, abort.signal);
    await Promise.race([caughtUp, done]);
    abort.abort();
    await done;
    const sent = await log.read("aggregates", 0, 0, { max_records: 1_000, max_bytes: 1e9, wait_ms: 0 });
    const ids = sent.map(({ headers }) => Number(headers.id)).sort((a, b) => a - b);
    return { ids, sends, epochs };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ALL_IDS = [...Array(RECORDS).keys()];

Deno.test("results that could not be sent are sent again before their checkpoint is decided", async () => {
  const away = new Fault("away", "Cannot append: nobody is there", {
    blame: "dependency",
    retry: "after_backoff",
  });
  const { ids, sends } = await sentDespite((send) => send === 2 ? away : null);
  deepStrictEqual([...new Set(ids)], ALL_IDS);
  ok(sends > 2);
});

Deno.test("results wait while those of other partitions fill the queue of the log, and nothing starts over", async () => {
  const full = new Fault("overloaded", "Cannot append to the log: 67108864 bytes wait already", {
    blame: "dependency",
    retry: "after_backoff",
  });
  const { ids, epochs } = await sentDespite((send) => send > 1 && send < 5 ? full : null);
  deepStrictEqual(ids, ALL_IDS);
  deepStrictEqual(epochs, [1]);
});

Deno.test("results of a repetition have the keys and bytes of the first time", () => {
  const record = (offset: number): LogRecord => ({
    partition: 0,
    offset,
    key: null,
    value: new TextEncoder().encode(`{"no": "transaction ${offset}"}`),
    headers: { source: "token", kind: "transaction", content_type: "application/json" },
    received_at: 1_700_000_000_000,
  });
  const results = (): NewRecord[] => {
    const processor = newProcessor(0);
    for (let offset = 0; offset < 3; offset++) processor.accept(record(offset), new SegmentWriter());
    return [...processor.takeResults()].flatMap(([, records]) => records);
  };
  const first = results();
  deepStrictEqual(first.length, 3);
  deepStrictEqual(results(), first);
});

Deno.test("results of the largest bodies fit the log, whatever they grow to when they are escaped", async () => {
  const letter = { headers: { source: "token", kind: "transaction", content_type: "application/json" } };
  const bodies = [
    new Uint8Array(5_242_880),
    new TextEncoder().encode(`{"event_id":"x","note":"${'\\"'.repeat(2_200_000)}"}`),
    new Uint8Array(5_242_880).fill(0xff),
    new TextEncoder().encode(`{"event_id":"small"}`),
  ];
  const processor = newProcessor(0);
  for (const [offset, value] of bodies.entries()) {
    const record = { partition: 0, offset, key: null, value, received_at: 1_700_000_000_000, ...letter };
    processor.accept(record, new SegmentWriter());
  }
  const [[topic, records]] = [...processor.takeResults()];
  strictEqual(topic, "dead_letters");
  const folder = await quickFolder();
  {
    await using log = await openSqliteLog({ directory: folder, partitions: 1 });
    strictEqual((await log.append(topic, records)).length, bodies.length);
  }
  await Deno.remove(folder, { recursive: true });
  const cut = records.map(({ headers }) => headers.cut ?? "false");
  deepStrictEqual(cut, ["true", "true", "false", "false"]);
  const rows = records.map(({ value }) => JSON.parse(new TextDecoder().decode(value)));
  deepStrictEqual(rows.map(({ log_offset }) => log_offset), [0, 1, 2, 3]);
  strictEqual(rows[0].original, `${"\0".repeat(1_000)}…`);
  strictEqual(rows[3].original, `{"event_id":"small"}`);
});

Deno.test("a short form keeps what a row is, and cuts its long texts and lists", () => {
  const top = Array.from({ length: 900 }, (_, count) => ({ value: "\0".repeat(5_000), count }));
  const text = JSON.stringify({ window_id: "w", revision: 3, is_final: true, none: null, top });
  const { value, headers } = resultRecord({ partition: 0, id: "w-3", table: "t", text, received_at: 1 });
  strictEqual(headers.cut, "true");
  const row = JSON.parse(new TextDecoder().decode(value!));
  deepStrictEqual({ ...row, top: row.top.length }, {
    window_id: "w",
    revision: 3,
    is_final: true,
    none: null,
    top: 20,
  });
  deepStrictEqual(row.top[19], { value: `${"\0".repeat(1_000)}…`, count: 19 });
});

Deno.test("many bytes of results wait for those before them, so that no queue grows full of them", async () => {
  const folder = await quickFolder();
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    const body = new TextEncoder().encode("€".repeat(400_000));
    const headers = { source: "token", kind: "transaction", content_type: "application/json" };
    const record = { partition: 0, key: null, value: body, headers, received_at: Date.now() };
    for (let i = 0; i < 30; i++) await log.append("events", [record]);
    const { context, caughtUp } = await watched(log, store, 30);
    let [underWay, most] = [0, 0];
    const append: EventLog["append"] = async (topic, records) => {
      const bytes = totalBytes(records);
      most = Math.max(most, underWay += bytes);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      underWay -= bytes;
      return await log.append(topic, records);
    };
    // No decision is due before all is read.
    const clock = { ...context.clock, now: () => 1_700_000_000_000 };
    const abort = new AbortController();
    const own = {
      ...context,
      clock,
      newProcessor: () => newProcessor(0),
      checkpoint_ms: 60_000,
      log: { ...context.log, append },
    };
    const done = ownPartition(0, own, abort.signal);
    await Promise.race([caughtUp, done]);
    abort.abort();
    await done;
    ok(most > 12_000_000 && most < 17_000_000, `${most} bytes were under way`);
  }
  await Deno.remove(folder, { recursive: true });
});
