/** Results on their topics. Invariant: none is lost, and a repetition has the ids of the first time. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import type { EventLog, LogRecord, NewRecord } from "../../lib/log/log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { newProcessor } from "../lake/small_lake.ts";
import { quickFolder } from "../quick_folder.ts";
import { append, watched } from "./small_partition.ts";

const RECORDS = 12;

Deno.test("results that could not be sent are sent again before their checkpoint is decided", async () => {
  const folder = await quickFolder();
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    for (let i = 1; i <= RECORDS; i++) await append(log, i);
    const { context, caughtUp } = await watched(log, store, RECORDS);
    let sends = 0;
    const failing: EventLog["append"] = async (topic, records) => {
      if (topic === "aggregates" && ++sends === 2) {
        throw new Fault("away", "Cannot append: nobody is there", {
          blame: "dependency",
          retry: "after_backoff",
        });
      }
      return await log.append(topic, records);
    };
    const abort = new AbortController();
    const done = ownPartition(0, { ...context, log: { ...context.log, append: failing } }, abort.signal);
    await Promise.race([caughtUp, done]);
    abort.abort();
    await done;
    const limits = { max_records: 1_000, max_bytes: 1e9, wait_ms: 0 };
    const sent = await log.read("aggregates", 0, 0, limits);
    const ids = [...new Set(sent.map(({ headers }) => Number(headers.id)))].sort((a, b) => a - b);
    deepStrictEqual(ids, Array.from({ length: RECORDS }, (_, i) => i));
    ok(sends > 2);
  }
  await Deno.remove(folder, { recursive: true });
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
