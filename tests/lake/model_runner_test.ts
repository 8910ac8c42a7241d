import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { parseModel } from "../../lib/lake/model_file.ts";
import { readModelFolder } from "../../lib/lake/model_folder.ts";
import { MODEL_SOURCES } from "../../lib/lake/model_changes.ts";
import { runModels } from "../../lib/lake/models.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { type ModelLake, openModelLake } from "./model_lake.ts";

const { models: MODELS } = await readModelFolder();

/** Payments of `users` users on each of `days` days after 1 January, at every third hour. */
const payments = (first: number, days: number, seed: number) => `
  SELECT 'token' AS source, 'e' || ${seed} || '-' || i AS event_id, 0 AS log_partition, ${seed} * 10000 + i AS log_offset,
    TIMESTAMP '2026-01-01' + INTERVAL 1 DAY * (${first} + i % ${days}) + INTERVAL 3 HOUR * (i % 7) AS event_time,
    now()::TIMESTAMP AS received_at, i % 5 = 0 AS late, 'u' || i % 4 AS user_id, 'm' || i % 3 AS merchant_id,
    'shop ' || ${seed} AS merchant_name, 'EUR' AS currency, (i + 0.25)::DECIMAL(18, 4) AS amount,
    ['completed', 'approved', 'refunded', 'failed'][1 + i % 4] AS status, 'food' AS merchant_category
  FROM range(200) AS numbers(i)`;

/** Alerts at the first of these payments. */
const alerts = (first: number, days: number, seed: number) => `
  SELECT 'alert-' || event_id AS alert_id, 'rule' AS rule, ['low', 'high'][1 + log_offset % 2] AS severity,
    user_id, log_partition, log_offset, event_time
  FROM (${payments(first, days, seed)}) WHERE log_offset % 10000 < 6`;

async function everything(lake: ModelLake): Promise<Record<string, unknown[][]>> {
  const rows = await Promise.all(MODELS.map(async ({ table }) => [table, await lake.rows(table)]));
  return Object.fromEntries(rows);
}

Deno.test("models are made on an empty lake, left alone while nothing changes, and made again in part", async () => {
  await using lake = await openModelLake();
  const first = await runModels(lake.context, MODELS);
  deepStrictEqual(first.map(({ state }) => state), MODELS.map(() => "made"), JSON.stringify(first));
  deepStrictEqual(
    new Set((await runModels(lake.context, MODELS)).map(({ state }) => state)),
    new Set(["unchanged"]),
  );

  await lake.insert("processed.transactions", payments(0, 20, 1));
  await lake.insert("analytics.alerts", alerts(0, 20, 1));
  await runModels(lake.context, MODELS);
  await lake.insert("processed.transactions", payments(5, 2, 2));
  await lake.insert("analytics.alerts", alerts(5, 2, 2));
  const again = await runModels(lake.context, MODELS);
  const ranges = Object.fromEntries(
    again.map((one) => [one.model, one.state === "made" ? one.ranges : one.state]),
  );
  strictEqual(ranges.daily_merchant_revenue, 1);
  strictEqual(ranges.hourly_volume, 1);
  strictEqual(ranges.top_spenders, null);
  strictEqual(ranges.funnel, "unchanged");
  const inPart = await everything(lake);
  ok(inPart["analytics.daily_merchant_revenue"].length > 20);
  const whole = await runModels(lake.context, MODELS, { full: true });
  deepStrictEqual(new Set(whole.map(({ state }) => state)), new Set(["made"]), JSON.stringify(whole));
  deepStrictEqual(await everything(lake), inPart);
});

Deno.test("a day of a model is a date, sums are exact, and the snapshots it was made from are told", async () => {
  await using lake = await openModelLake();
  await lake.insert("processed.transactions", payments(0, 3, 1));
  await runModels(lake.context, MODELS);
  const { metadata } = (await lake.context.catalog.load(parseTableKey("analytics.daily_merchant_revenue")))!;
  const types = Object.fromEntries(metadata.schemas.at(-1)!.fields.map(({ name, type }) => [name, type]));
  strictEqual(types.day, "date");
  strictEqual(types.revenue, "decimal(38, 4)");
  const source = (await lake.context.catalog.load(parseTableKey("processed.transactions")))!;
  const seen = JSON.parse(metadata.properties[MODEL_SOURCES]);
  strictEqual(seen["processed.transactions"].snapshot, source.metadata["current-snapshot-id"]);
  strictEqual(metadata.snapshots.at(-1)!.summary.operation, "overwrite");
});

const counted = (test: string, extra = "") =>
  parseModel(
    "counted.sql",
    `-- name: counted\n-- doc: How many.\n-- grain: user_id\n-- test: ${test}\n
SELECT user_id, count(*) AS events${extra} FROM processed.transactions GROUP BY user_id`,
  );

Deno.test("a dry run tells what would be made, and makes nothing", async () => {
  await using lake = await openModelLake();
  await lake.insert("processed.transactions", payments(0, 3, 1));
  const models = [counted("unique user_id")];
  deepStrictEqual(await runModels(lake.context, models, { dry_run: true }), [{
    model: "counted",
    state: "due",
  }]);
  strictEqual(await lake.context.catalog.load(parseTableKey("analytics.counted")), null);
  await runModels(lake.context, models);
  strictEqual((await runModels(lake.context, models, { dry_run: true }))[0].state, "unchanged");
});

Deno.test("a failing test leaves the table as it was, columns included", async () => {
  await using lake = await openModelLake();
  await lake.insert("processed.transactions", payments(0, 3, 1));
  const good = counted("unique user_id");
  strictEqual((await runModels(lake.context, [good]))[0].state, "made");
  const before = await lake.rows("analytics.counted");
  await lake.insert("processed.transactions", payments(0, 3, 2));
  for (
    const test of [
      "accepted user_id in u0, u1",
      "relation user_id -> processed.transactions.merchant_id",
      "not_null nothing",
    ]
  ) {
    const [outcome] = await runModels(lake.context, [counted(test, ", NULL::BIGINT AS nothing")]);
    ok(outcome.state === "failed");
    match(outcome.reason, /^Cannot replace analytics\.counted: its tests fail: "/);
    deepStrictEqual(await lake.rows("analytics.counted"), before);
  }
});

Deno.test("a model whose text changes takes its new columns; one that cannot run is told beside the others", async () => {
  await using lake = await openModelLake();
  await lake.insert("processed.transactions", payments(0, 3, 1));
  await runModels(lake.context, [counted("unique user_id", ", 1 AS kept")]);
  const broken = parseModel(
    "broken.sql",
    "-- name: broken\n-- doc: No.\n-- grain: a\n\nSELECT no FROM analytics.never",
  );
  const changed = counted("unique user_id", ", 'text' AS kept, DATE '2026-01-01' AS day");
  const [refused, made] = await runModels(lake.context, [broken, changed]);
  deepStrictEqual(refused, {
    model: "broken",
    state: "failed",
    reason: "Cannot read analytics.never: there is no such table yet",
  });
  strictEqual(made.state, "made");
  deepStrictEqual((await lake.rows("analytics.counted"))[0], ["u0", "50", "text", "2026-01-01"]);
});

Deno.test("new columns come with their rows in one commit, or not at all", async () => {
  await using lake = await openModelLake();
  await lake.insert("processed.transactions", payments(0, 3, 1));
  await runModels(lake.context, [counted("unique user_id", ", 1 AS kept")]);
  const { catalog } = lake.context;
  const name = parseTableKey("analytics.counted");
  const before = (await catalog.load(name))!;
  const changed = counted("unique user_id", ", 'text' AS kept");
  for (const commits of [0, 1]) {
    let left = commits;
    const failing: typeof catalog = {
      list: () => catalog.list(),
      load: (one) => catalog.load(one),
      create: (one, metadata) => catalog.create(one, metadata),
      commit: async (base, next, id) => {
        if (left-- > 0) return await catalog.commit(base, next, id);
        throw new Fault("gone", "Cannot commit: the store is gone", {
          blame: "dependency",
          retry: "after_backoff",
        });
      },
    };
    const [{ state }] = await runModels({ ...lake.context, catalog: failing }, [changed]);
    strictEqual(state, commits === 0 ? "failed" : "made");
    const after = (await catalog.load(name))!;
    strictEqual(after.version, before.version + commits);
    strictEqual(after.metadata["current-schema-id"], after.metadata.snapshots.at(-1)!["schema-id"]);
  }
  deepStrictEqual((await lake.rows("analytics.counted"))[0], ["u0", "50", "text"]);
});

Deno.test("two runners at once make a model once, and its rows stand there once", async () => {
  await using lake = await openModelLake();
  await lake.insert("processed.transactions", payments(0, 3, 1));
  const good = counted("unique user_id");
  await runModels(lake.context, [good]);
  await lake.insert("processed.transactions", payments(0, 3, 2));
  await Promise.all([runModels(lake.context, [good]), runModels(lake.context, [good])]);
  deepStrictEqual(await lake.rows("analytics.counted", (one) => `SELECT count(*) FROM ${one}`), [["4"]]);
});
