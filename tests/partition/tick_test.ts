/**
 * An idle partition. Invariant: its owner closes what is open by ticks on the log, so that a replay gives the same rows;
 * when nothing is left to close, an hour brings no record and no checkpoint.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readSettings } from "../../lib/config.ts";
import { loadConfiguration } from "../../lib/configuration.ts";
import type { EventLog, NewRecord } from "../../lib/log/log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { nextTickDelay } from "../../lib/partition/tick.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { decidedRows } from "../decided.ts";
import { newProcessor } from "../lake/small_lake.ts";
import { quickFolder } from "../quick_folder.ts";
import { bound, watched } from "./small_partition.ts";

const START = Date.parse("2026-03-01T12:00:30Z");
/** A read that finds nothing takes a second. */
const STEP_MS = 1_000;
const EVENT_AT = 30;
const HOURS_S = 7_200;
const HOUR_MS = 3_600_000;

const reading = readSettings({}, () => "");
ok(reading.ok);
const configuration = await loadConfiguration(reading.settings);

function payment(time_ms: number): NewRecord {
  const fields = { user_id: "u1", amount: "1.50", currency: "EUR", status: "completed" };
  return {
    partition: 0,
    key: "u1",
    value: new TextEncoder().encode(JSON.stringify({ event_id: "e1", timestamp: time_ms, ...fields })),
    headers: { source: "token", kind: "transaction", content_type: "application/json" },
    received_at: time_ms,
  };
}

Deno.test("nextTickDelay doubles from tick to tick up to a minute, and is long while history is loaded", () => {
  const after = (ticks: number, age_ms: number | null = 0) =>
    nextTickDelay({
      tick_after_ms: 5_000,
      ticks,
      now: START,
      event_time_ms: age_ms === null ? null : START - age_ms,
    });
  deepStrictEqual([0, 1, 2, 3, 4, 99].map((ticks) => after(ticks)), [5e3, 10e3, 20e3, 40e3, 60e3, 60e3]);
  deepStrictEqual([after(0, HOUR_MS), after(0, HOUR_MS + 1), after(1, HOUR_MS + 1)], [5e3, 600e3, 10e3]);
  strictEqual(after(0, null), 5e3);
});

Deno.test("an idle partition's windows are closed by ticks, and then an hour adds nothing", async () => {
  const folder = await quickFolder();
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using store = openDiskStore(`${folder}/store`);
  const { context } = await watched(log, store, Infinity);
  const abort = new AbortController();
  const ticks_s: number[] = [];
  let idle_reads = 0;
  const now = () => START + idle_reads * STEP_MS;
  const idle: EventLog = {
    ...bound(log),
    append(topic, records) {
      if (topic === "events" && records[0].headers.kind === "tick") ticks_s.push(idle_reads);
      return log.append(topic, records);
    },
    async read(topic, partition, from, limits) {
      const records = await log.read(topic, partition, from, { ...limits, wait_ms: 0 });
      if (records.length > 0) return records;
      if (++idle_reads === EVENT_AT) await log.append("events", [payment(now())]);
      if (idle_reads === HOURS_S) abort.abort();
      return records;
    },
  };
  let decided_s = 0;
  await ownPartition(0, {
    ...context,
    log: idle,
    clock: { ...context.clock, now },
    tick_after_ms: 5_000,
    seeds: () => configuration,
    newProcessor: (partition) => newProcessor(partition, configuration),
    events: { ...context.events, decided: () => void (decided_s = idle_reads) },
  }, abort.signal);
  const { rows } = await decidedRows(store);
  const closed = rows.filter(({ row }) => row.is_final).map(({ table }) => table.split(".")[1]);
  deepStrictEqual(
    Object.entries(Object.groupBy(closed, (table) => table)).map(([table, all]) => [table, all!.length])
      .sort(),
    [["user_5min_revisions", 5], ["user_minute_revisions", 1], ["user_session_revisions", 1]],
  );
  const ends_s = rows.filter(({ row }) => row.is_final).map(({ row }) =>
    (Date.parse(`${row.window_end}Z`) - START) / STEP_MS
  );
  // By 10 s out of order, and by the longest silence between two ticks.
  ok(ticks_s.at(-1)! <= Math.max(...ends_s) + 70, `closed at ${ticks_s.at(-1)}`);
  strictEqual(decided_s, ticks_s.at(-1), "nothing was decided after the last tick");
  const isTick = ({ table, row }: typeof rows[number]) => table === "raw.events" && row.kind === "tick";
  strictEqual(rows.filter(isTick).length, ticks_s.length);
  await Deno.remove(folder, { recursive: true });
});
