import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseCheck } from "../../lib/lake/model_file.ts";
import { readModelFolder } from "../../lib/lake/model_folder.ts";
import { QUALITY_RESULTS, runChecks } from "../../lib/lake/quality.ts";
import type { NewRecord, Topic } from "../../lib/log/log.ts";
import { openModelLake } from "./model_lake.ts";

const NOW = Date.parse("2026-02-01T12:00:00Z");

function memoryLog() {
  const records: NewRecord[] = [];
  return {
    records,
    identity: () => Promise.resolve({ id: "log", partitions: 3 }),
    append(topic: Topic, more: readonly NewRecord[]) {
      strictEqual(topic, "alerts");
      records.push(...more);
      return Promise.resolve(more.map(() => -1));
    },
  };
}

const alertsOf = (log: ReturnType<typeof memoryLog>) =>
  log.records.map(({ value }) => JSON.parse(new TextDecoder().decode(value)));

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
  await runChecks(context, [check], { now: NOW + 3_600_000 });
  await runChecks(context, [check], { now: NOW + 86_400_000 });
  const rows = await lake.rows(
    QUALITY_RESULTS.key,
    (one) => `SELECT subject, failed, count(*), count(alert_id) FROM ${one} GROUP BY ALL ORDER BY 1`,
  );
  deepStrictEqual(rows, [["0", false, "3", "0"], ["1", true, "3", "3"], ["2", false, "3", "0"], [
    "3",
    true,
    "3",
    "3",
  ]]);
  const alerts = alertsOf(log);
  deepStrictEqual(alerts.map(({ rule, key, severity }) => `${rule} ${key} ${severity}`).slice(0, 2), [
    "quality.odd 1 high",
    "quality.odd 3 high",
  ]);
  strictEqual(alerts[0].alert_id, alerts[2].alert_id);
  strictEqual(new Set(alerts.map(({ alert_id }) => alert_id)).size, 4);
});
