import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseCheck } from "../../lib/lake/model_file.ts";
import { checkSql } from "../../lib/lake/model_sql.ts";
import { ModelTables } from "./model_tables.ts";

const FOLDER = new URL("../../models/checks/", import.meta.url);
const NOW = "2026-02-01T00:00:00Z";

const CHECKS = [...Deno.readDirSync(FOLDER)].map(({ name }) =>
  parseCheck(name, Deno.readTextFileSync(new URL(name, FOLDER)))
);

/** What a check says, as `subject` by whether it failed. */
async function verdicts(tables: ModelTables, name: string): Promise<Record<string, boolean>> {
  const check = CHECKS.find((one) => one.name === name)!;
  const rows = await tables.objects(`SELECT * FROM (${checkSql(check.sql, NOW)}) ORDER BY subject`);
  for (const row of rows) {
    deepStrictEqual(Object.keys(row), ["subject", "value", "expected", "failed", "description"]);
    strictEqual(typeof row.description, "string");
  }
  return Object.fromEntries(rows.map((row) => [String(row.subject), row.failed === true]));
}

/** `count` transactions of the day that is `age` days old. */
async function transactions(
  tables: ModelTables,
  age: number,
  count: number,
  columns = "'completed' AS status",
) {
  await tables.run(`INSERT INTO processed.transactions BY NAME SELECT 'token' AS source, 0 AS log_partition,
    'e' || ${age} || '-' || i AS event_id, 'EUR' AS currency, 'm' AS merchant_id, 'DE' AS country,
    'card' AS payment_method, 'd' AS device_id, 'food' AS merchant_category,
    TIMESTAMP '2026-02-01' - to_days(${age}) + to_seconds(i + 1) AS received_at, ${columns} FROM range(${count}) t(i)`);
}

async function quietWeek(tables: ModelTables, columns?: string): Promise<void> {
  for (let age = 2; age <= 8; age++) await transactions(tables, age, 200, columns);
}

Deno.test("the shipped checks are the six that were asked for, and quiet on an empty lake", async () => {
  deepStrictEqual(
    new Set(CHECKS.map(({ name }) => name)),
    new Set([
      ...["approved_rate", "duplicates", "enum_drift", "null_rate", "staleness", "volume"],
    ]),
  );
  using tables = await ModelTables.open();
  for (const { name } of CHECKS) deepStrictEqual(await verdicts(tables, name), {}, name);
});

Deno.test("volume fails when a day is less than half or more than twice the week before", async () => {
  for (const [count, failed] of [[99, true], [101, false], [399, false], [401, true]] as const) {
    using tables = await ModelTables.open();
    await quietWeek(tables);
    await transactions(tables, 1, count);
    deepStrictEqual(await verdicts(tables, "volume"), { transactions: failed }, String(count));
  }
});

Deno.test("volume fails when a kind falls silent, and waits for three days of history", async () => {
  using tables = await ModelTables.open();
  await transactions(tables, 3, 10);
  await transactions(tables, 4, 10);
  deepStrictEqual(await verdicts(tables, "volume"), {});
  await transactions(tables, 5, 10);
  deepStrictEqual(await verdicts(tables, "volume"), { transactions: true });
});

Deno.test("null_rate fails for the column that went missing", async () => {
  using tables = await ModelTables.open();
  await quietWeek(tables);
  await transactions(tables, 1, 200);
  await tables.run(`UPDATE processed.transactions SET country = NULL
    WHERE received_at >= TIMESTAMP '2026-01-31' AND hash(event_id) % 2 = 0`);
  deepStrictEqual(await verdicts(tables, "null_rate"), {
    "transactions.country": true,
    "transactions.device_id": false,
    "transactions.merchant_category": false,
    "transactions.merchant_id": false,
    "transactions.payment_method": false,
  });
});

Deno.test("staleness fails for a steady source that is silent for a day, not for one that comes now and then", async () => {
  using tables = await ModelTables.open();
  await tables.run(`INSERT INTO raw.events BY NAME
    SELECT source, 'row' AS outcome, TIMESTAMP '2026-02-01' - to_hours(hours) AS received_at FROM (VALUES
      ('steady', 1), ('steady', 30), ('steady', 55), ('steady', 80), ('steady', 105),
      ('silent', 25), ('silent', 55), ('silent', 80), ('silent', 105),
      ('rare', 100)) t(source, hours)
    UNION ALL SELECT 'silent', 'control', TIMESTAMP '2026-01-31 23:00:00'`);
  deepStrictEqual(await verdicts(tables, "staleness"), { silent: true, steady: false });
});

Deno.test("duplicates fails for a repeat within the hour only", async () => {
  using tables = await ModelTables.open();
  await tables.run(`INSERT INTO processed.api_calls BY NAME
    SELECT 'token' AS source, 0 AS log_partition, event_id, CAST(received_at AS TIMESTAMP) AS received_at
    FROM (VALUES ('a', '2026-01-31 10:00:00'), ('a', '2026-01-31 11:00:01')) t(event_id, received_at)`);
  deepStrictEqual(await verdicts(tables, "duplicates"), { api_calls: false });
  await tables.run(`INSERT INTO processed.api_calls BY NAME
    SELECT 'token' AS source, 0 AS log_partition, 'a' AS event_id, TIMESTAMP '2026-01-31 11:30:00' AS received_at`);
  deepStrictEqual(await verdicts(tables, "duplicates"), { api_calls: true });
});

Deno.test("enum_drift fails for a new value that keeps coming", async () => {
  using tables = await ModelTables.open();
  await tables.run(`INSERT INTO processed.dead_letters BY NAME
    SELECT 'schema' AS reason, 'transaction' AS kind, TIMESTAMP '2026-01-31 12:00:00' AS received_at,
      [{'field': 'status', 'code': 'invalid_enum', 'expected': 'x', 'actual': CASE WHEN i < 10 THEN 'settled' ELSE 'odd' END},
       {'field': 'amount', 'code': 'missing', 'expected': NULL, 'actual': NULL}] AS errors
    FROM range(15) t(i)`);
  deepStrictEqual(await verdicts(tables, "enum_drift"), {
    "transaction.status odd": false,
    "transaction.status settled": true,
  });
});

Deno.test("approved_rate fails when it drops by more than a tenth", async () => {
  const mixed = (percent: number) =>
    `CASE WHEN i % 100 < ${percent} THEN 'approved' ELSE 'declined' END AS status`;
  for (const [percent, failed] of [[85, false], [75, true]] as const) {
    using tables = await ModelTables.open();
    await quietWeek(tables, mixed(90));
    await transactions(tables, 1, 200, mixed(percent));
    deepStrictEqual(await verdicts(tables, "approved_rate"), { EUR: failed });
  }
});
