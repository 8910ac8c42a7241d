import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseCheck } from "../../lib/lake/model_file.ts";
import { readModelFolder } from "../../lib/lake/model_folder.ts";
import { QUALITY_RESULTS, runChecks } from "../../lib/lake/quality.ts";
import { SegmentWriter } from "../../lib/checkpoint/segment.ts";
import type { Row } from "../../lib/event/column.ts";
import type { NewRecord, Topic } from "../../lib/log/log.ts";
import type { EventProcessor } from "../../lib/partition/event_processor.ts";
import { newProcessor } from "../shipped_stream.ts";
import { openModelLake } from "./model_lake.ts";

const NOW = Date.parse("2026-02-01T12:00:00Z");

function memoryLog() {
  const records: NewRecord[] = [];
  return {
    records,
    identity: () => Promise.resolve({ id: "log", partitions: 3 }),
    append(topic: Topic, more: readonly NewRecord[]) {
      strictEqual(topic, "events");
      records.push(...more);
      return Promise.resolve(more.map(() => -1));
    },
  };
}

/** What the stream makes of the records. */
function alertsOf(log: ReturnType<typeof memoryLog>): Row[] {
  const processors = new Map<number, EventProcessor>();
  const rows: Row[] = [];
  for (const [offset, record] of log.records.entries()) {
    const processor = processors.get(record.partition) ?? newProcessor(record.partition);
    processors.set(record.partition, processor);
    processor.accept({ ...record, offset }, new SegmentWriter());
    for (const [topic, results] of processor.takeResults()) {
      strictEqual(topic, "alerts");
      rows.push(...results.map(({ value }) => JSON.parse(new TextDecoder().decode(value))));
    }
  }
  return rows;
}

Deno.test("the shipped checks run on an empty lake and find nothing", async () => {
  await using lake = await openModelLake();
  const log = memoryLog();
  const { checks } = await readModelFolder();
  deepStrictEqual(await runChecks({ ...lake.context, log }, checks, { now: NOW }), {
    results: [],
    broken: [],
  });
  deepStrictEqual(log.records, []);
});

Deno.test("a failing check is a row and an alert, whose id is the same all day; a broken one is told", async () => {
  await using lake = await openModelLake();
  const log = memoryLog();
  const check = parseCheck(
    "odd.sql",
    `-- check: odd\n-- doc: Odd numbers.\n-- severity: high\n
SELECT i AS subject, i AS value, 0 AS expected, i % 2 = 1 AS failed, 'found ' || i AS description
FROM range(4) AS numbers(i) WHERE $now > TIMESTAMP '2026-01-01'`,
  );
  const broken = parseCheck(
    "no.sql",
    "-- check: no\n-- doc: No.\n-- severity: low\n\nSELECT no FROM analytics.never",
  );
  const context = { ...lake.context, log };
  const run = await runChecks(context, [check, broken], { now: NOW });
  deepStrictEqual(run.broken, [{
    check: "no",
    reason: "Cannot read analytics.never: there is no such table yet",
  }]);
  const raised = new Set<string>();
  await runChecks(context, [check], { now: NOW + 3_600_000, raised });
  await runChecks(context, [check], { now: NOW + 3_700_000, raised });
  strictEqual(log.records.length, 4);
  await runChecks(context, [check], { now: NOW + 86_400_000 });
  const rows = await lake.rows(
    QUALITY_RESULTS.key,
    (one) => `SELECT subject, failed, count(*), count(alert_id) FROM ${one} GROUP BY ALL ORDER BY 1`,
  );
  deepStrictEqual(rows, [["0", false, "4", "0"], ["1", true, "4", "4"], ["2", false, "4", "0"], [
    "3",
    true,
    "4",
    "4",
  ]]);
  const alerts = alertsOf(log);
  deepStrictEqual(alerts.map(({ rule, key, severity }) => `${rule} ${key} ${severity}`).slice(0, 2), [
    "quality.odd 1 high",
    "quality.odd 3 high",
  ]);
  // Two subjects on two days.
  strictEqual(alerts.length, 4);
  strictEqual(new Set(alerts.map(({ alert_id }) => alert_id)).size, 4);
  const ids = await lake.rows(
    QUALITY_RESULTS.key,
    (one) => `SELECT DISTINCT alert_id FROM ${one} WHERE failed ORDER BY 1`,
  );
  deepStrictEqual(ids.flat(), alerts.map(({ alert_id }) => alert_id).sort());
});
