import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Model, orderModels, parseModel } from "../../lib/lake/model_file.ts";
import { affectedRanges, fullSql, refreshSql, testSql } from "../../lib/lake/model_sql.ts";
import { ModelTables } from "./model_tables.ts";

const FOLDER = new URL("../../models/", import.meta.url);

const MODELS: Model[] = orderModels(
  [...Deno.readDirSync(FOLDER)].filter(({ name }) => name.endsWith(".sql")).map(({ name }) =>
    parseModel(name, Deno.readTextFileSync(new URL(name, FOLDER)))
  ),
);

/** Makes every model whole, in order. */
async function build(tables: ModelTables): Promise<void> {
  for (const model of MODELS) {
    await tables.run(`CREATE OR REPLACE TABLE ${model.table} AS ${fullSql(model)}`);
  }
}

/** Rows whose columns are named by the first. */
async function insert(tables: ModelTables, table: string, rows: Record<string, string | number | boolean>[]) {
  for (const row of rows) {
    const values = Object.values(row).map((value) => typeof value === "string" ? `'${value}'` : value);
    await tables.run(`INSERT INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${values.join(", ")})`);
  }
}

let offset = 0;
const payment = (day: string, merchant_id: string, amount: string, extra: Record<string, string> = {}) => ({
  source: "token",
  log_partition: 0,
  log_offset: offset++,
  event_time: `${day} 10:00:00`,
  late: false,
  user_id: "ada",
  currency: "EUR",
  status: "completed",
  merchant_id,
  merchant_name: `shop ${merchant_id}`,
  amount,
  ...extra,
});

Deno.test("the shipped models stand in an order in which each follows what it reads", () => {
  deepStrictEqual(
    new Set(MODELS.map(({ name }) => name)),
    new Set([
      ...[
        "anomaly_summary",
        "daily_merchant_revenue",
        "funnel",
        "hourly_volume",
        "merchant_rollup",
        "top_spenders",
      ],
    ]),
  );
  const at = (name: string) => MODELS.findIndex((model) => model.name === name);
  strictEqual(at("daily_merchant_revenue") < at("merchant_rollup"), true);
});

Deno.test("every model stands on an empty lake, without rows and without faults", async () => {
  using tables = await ModelTables.open();
  await build(tables);
  for (const model of MODELS) {
    deepStrictEqual(await tables.rows(`FROM ${model.table}`), [], model.name);
    for (const test of testSql(model)) deepStrictEqual(await tables.rows(test.sql), [["0"]], test.name);
  }
});

Deno.test("daily_merchant_revenue adds what was paid, takes off refunds, never mixes currencies", async () => {
  using tables = await ModelTables.open();
  await insert(tables, "processed.transactions", [
    payment("2026-01-01", "m1", "100.1000"),
    payment("2026-01-01", "m1", "0.0001", { status: "approved", merchant_name: "renamed" }),
    payment("2026-01-01", "m1", "-40", { status: "refunded" }),
    payment("2026-01-01", "m1", "1000", { status: "failed" }),
    payment("2026-01-01", "m1", "7", { currency: "JPY" }),
    payment("2026-01-02", "m1", "30.0501"),
    payment("2026-01-07", "m1", "1"),
    payment("2026-01-08", "m1", "2"),
    payment("2026-01-08", "m2", "5"),
  ]);
  await build(tables);
  const rows = await tables.rows(`
    SELECT merchant_id, currency, day, revenue, payments, refunds, revenue_7d, revenue_day_before, round(change_ratio, 4)
    FROM analytics.daily_merchant_revenue ORDER BY 1, 2, 3`);
  deepStrictEqual(rows, [
    ["m1", "EUR", "2026-01-01", "60.1001", "2", "1", "60.1001", null, null],
    ["m1", "EUR", "2026-01-02", "30.0501", "1", "0", "90.1502", "60.1001", -0.5],
    ["m1", "EUR", "2026-01-07", "1.0000", "1", "0", "91.1502", null, null],
    ["m1", "EUR", "2026-01-08", "2.0000", "1", "0", "33.0501", "1.0000", 1],
    ["m1", "JPY", "2026-01-01", "7.0000", "1", "0", "7.0000", null, null],
    ["m2", "EUR", "2026-01-08", "5.0000", "1", "0", "5.0000", null, null],
  ]);
  deepStrictEqual(
    await tables.rows(
      "SELECT merchant_name FROM analytics.daily_merchant_revenue WHERE day = '2026-01-01' AND currency = 'EUR'",
    ),
    [["shop m1"]],
  );
});

Deno.test("merchant_rollup sets thirty days against the whole life", async () => {
  using tables = await ModelTables.open();
  await insert(tables, "processed.transactions", [
    payment("2026-01-01", "m1", "600"),
    payment("2026-03-01", "m1", "300"),
    payment("2026-01-30", "m2", "10"),
    payment("2026-01-31", "m2", "-4", { status: "refunded" }),
  ]);
  await build(tables);
  const rows = await tables.rows(`
    SELECT merchant_id, lifetime_revenue, lifetime_payments, lifetime_refunds, revenue_30d, payments_30d,
      daily_average_30d, daily_average_lifetime, round(trend_ratio, 3), active_days
    FROM analytics.merchant_rollup ORDER BY 1`);
  deepStrictEqual(rows, [
    ["m1", "900.0000", "2", "0", "300.0000", "1", 10, 15, 0.667, "2"],
    ["m2", "6.0000", "1", "1", "-4.0000", "0", -4 / 30, 6 / 31, -0.689, "2"],
  ]);
});

Deno.test("top_spenders ranks within a currency, over thirty days of data", async () => {
  using tables = await ModelTables.open();
  await insert(tables, "processed.transactions", [
    payment("2026-01-01", "m1", "9999", { user_id: "old" }),
    payment("2026-01-31", "m1", "50", { user_id: "bob" }),
    payment("2026-01-02", "m2", "30", { user_id: "cy" }),
    payment("2026-01-03", "m1", "20", { user_id: "cy" }),
    payment("2026-01-03", "m1", "-1", { user_id: "cy", status: "refunded" }),
    payment("2026-01-03", "m1", "5", { user_id: "cy", currency: "USD" }),
  ]);
  await build(tables);
  deepStrictEqual(
    await tables.rows(
      "SELECT currency, rank, user_id, total_spend, transactions, merchants FROM analytics.top_spenders ORDER BY ALL",
    ),
    [["EUR", "1", "bob", "50.0000", "1", "1"], ["EUR", "2", "cy", "49.0000", "3", "2"], [
      "USD",
      "1",
      "cy",
      "5.0000",
      "1",
      "1",
    ]],
  );
});

Deno.test("anomaly_summary finds the category of the transaction behind an alert", async () => {
  using tables = await ModelTables.open();
  const paid = payment("2026-01-01", "m1", "99999", { merchant_category: "travel" });
  await insert(tables, "processed.transactions", [paid]);
  const alert = {
    rule: "r",
    severity: "high",
    user_id: "ada",
    log_partition: 0,
    event_time: paid.event_time,
  };
  await insert(tables, "analytics.alerts", [
    { ...alert, alert_id: "a", log_offset: paid.log_offset },
    { ...alert, alert_id: "b", log_offset: 987654, user_id: "bob" },
  ]);
  await build(tables);
  deepStrictEqual(
    await tables.rows(
      "SELECT day, rule, severity, category, alerts, users FROM analytics.anomaly_summary ORDER BY ALL",
    ),
    [["2026-01-01", "r", "high", "travel", "1", "1"], ["2026-01-01", "r", "high", "unknown", "1", "1"]],
  );
});

Deno.test("hourly_volume counts all kinds, late ones too", async () => {
  using tables = await ModelTables.open();
  await insert(tables, "processed.transactions", [
    payment("2026-01-01", "m", "1"),
    payment("2026-01-01", "m", "2"),
  ]);
  await insert(tables, "processed.sensor_readings", [
    { source: "token", event_time: "2026-01-01 10:59:59.999999", late: true, device_id: "d" },
    { source: "token", event_time: "2026-01-01 11:00:00", late: false, device_id: "d" },
  ]);
  await build(tables);
  deepStrictEqual(
    await tables.rows(
      "SELECT hour, kind, events, late_events, users FROM analytics.hourly_volume ORDER BY ALL",
    ),
    [
      ["2026-01-01 10:00:00", "sensor_reading", "1", "1", "1"],
      ["2026-01-01 10:00:00", "transaction", "2", "0", "1"],
      ["2026-01-01 11:00:00", "sensor_reading", "1", "0", "1"],
    ],
  );
});

Deno.test("funnel wants the steps in order and leaves bots out", async () => {
  using tables = await ModelTables.open();
  const step = (session_id: string, time: string, event_type: string, is_bot = false) => ({
    source: "token",
    event_time: `2026-01-01 ${time}`,
    late: false,
    user_id: `u ${session_id}`,
    session_id,
    event_type,
    is_bot,
  });
  await insert(tables, "processed.clickstream", [
    ...[
      step("all", "10:00", "page_view"),
      step("all", "10:01", "add_to_cart"),
      step("all", "10:01", "purchase"),
    ],
    ...[step("backwards", "10:00", "purchase"), step("backwards", "10:01", "add_to_cart")],
    ...[step("backwards", "10:02", "page_view")],
    ...[
      step("twice", "10:00", "add_to_cart"),
      step("twice", "10:01", "page_view"),
      step("twice", "10:02", "add_to_cart"),
    ],
    ...[step("look", "10:00", "search"), step("look", "10:00", "page_view")],
    ...[step("bot", "10:00", "page_view", true), step("bot", "10:01", "add_to_cart", true)],
  ]);
  await build(tables);
  deepStrictEqual(
    await tables.rows(
      "SELECT day, sessions, viewed, added, purchased, view_to_cart, cart_to_purchase FROM analytics.funnel",
    ),
    [["2026-01-01", "4", "4", "2", "1", 0.5, 0.5]],
  );
});

/** A batch of every kind of row over some of twenty days, as a function of the seed alone. */
async function addBatch(tables: ModelTables, seed: number, days: readonly number[]): Promise<void> {
  const pick = (salt: string, n: number) => `CAST(hash(i, ${seed}, '${salt}') % ${n} AS INTEGER)`;
  const list = (...values: string[]) => `[${values.map((value) => `'${value}'`).join(", ")}]`;
  const day = `[${days.join(", ")}][1 + ${pick("day", days.length)}]`;
  const common = `'token' AS source, ${pick("p", 3)} AS log_partition, ${seed} * 1000 + i AS log_offset,
    TIMESTAMP '2026-01-01' + to_days(${day}) + to_seconds(${pick("s", 86400)}) AS event_time,
    ${pick("late", 10)} = 0 AS late, 'u' || ${pick("u", 4)} AS user_id`;
  await tables.run(`INSERT INTO processed.transactions BY NAME SELECT ${common},
    CAST(${pick("a", 100000)} AS DECIMAL(18, 4)) / 7 AS amount, ${list("EUR", "USD")}[1 + ${
    pick("c", 2)
  }] AS currency,
    ${list("completed", "approved", "failed", "refunded")}[1 + ${pick("st", 4)}] AS status,
    CASE WHEN ${pick("nm", 9)} > 0 THEN 'm' || ${pick("m", 3)} END AS merchant_id,
    CASE WHEN ${pick("nn", 9)} > 0 THEN 'shop ' || ${pick("n", 5)} END AS merchant_name,
    ${list("food", "travel")}[1 + ${pick("cat", 3)}] AS merchant_category FROM range(60) t(i)`);
  await tables.run(
    `INSERT INTO processed.clickstream BY NAME SELECT ${common}, 's' || ${pick("ses", 6)} AS session_id,
    ${list("page_view", "add_to_cart", "purchase", "search")}[1 + ${pick("ev", 4)}] AS event_type,
    ${pick("bot", 8)} = 0 AS is_bot FROM range(60) t(i)`,
  );
  await tables.run(
    `INSERT INTO analytics.alerts BY NAME SELECT 'r' || ${pick("r", 3)} AS rule, source, user_id,
    ${list("low", "high")}[1 + ${pick("sev", 2)}] AS severity, log_partition, log_offset, event_time
    FROM processed.transactions, (SELECT 0 AS i) WHERE log_offset >= ${seed} * 1000 AND log_offset % 5 = 0`,
  );
}

Deno.test("a refresh of the changed days equals making the whole again", async () => {
  const days = fc.uniqueArray(fc.integer({ min: 0, max: 19 }), { minLength: 1, maxLength: 3 });
  const property = fc.asyncProperty(fc.array(days, { minLength: 2, maxLength: 3 }), async (batches) => {
    using tables = await ModelTables.open();
    await build(tables);
    for (const [seed, batch] of batches.entries()) {
      await addBatch(tables, seed, batch);
      const changed = batch.map((day) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10));
      for (const model of MODELS) {
        const whole = fullSql(model);
        const sql = model.incremental === null
          ? whole
          : refreshSql(model, affectedRanges(model, changed), model.table);
        await tables.run(`CREATE TABLE next AS ${sql}`);
        deepStrictEqual(await tables.difference("FROM next", whole), [], model.name);
        await tables.run(`CREATE OR REPLACE TABLE ${model.table} AS FROM next`);
        await tables.run("DROP TABLE next");
        for (const test of testSql(model)) deepStrictEqual(await tables.rows(test.sql), [["0"]], test.name);
      }
    }
  });
  await fc.assert(property, { numRuns: 5, seed: 20260131 });
});

Deno.test("the tests of a model see what they forbid", async () => {
  using tables = await ModelTables.open();
  await build(tables);
  await insert(tables, "analytics.anomaly_summary", [
    { day: "2026-01-01", rule: "r", severity: "high", category: "x", alerts: 1, users: 1 },
    { day: "2026-01-01", rule: "r", severity: "high", category: "x", alerts: 1, users: 1 },
    { day: "2026-01-01", rule: "r", severity: "huge", category: "x", alerts: 1 },
  ]);
  await insert(tables, "analytics.merchant_rollup", [{ merchant_id: "nobody", currency: "EUR" }]);
  const broken: Record<string, unknown> = {};
  for (const model of MODELS.filter(({ name }) => name === "anomaly_summary" || name === "merchant_rollup")) {
    for (const test of testSql(model)) broken[test.name] = (await tables.rows(test.sql))[0][0];
  }
  deepStrictEqual(broken, {
    "unique day, rule, severity, category": "1",
    "not_null day, rule, severity, category, alerts, users": "1",
    "accepted severity in low, medium, high, critical": "1",
    "unique merchant_id, currency": "0",
    "not_null merchant_id, currency, lifetime_revenue, lifetime_payments, revenue_30d, payments_30d": "1",
    "relation merchant_id -> analytics.daily_merchant_revenue.merchant_id": "1",
  });
});
