import { deepStrictEqual } from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import { PAYMENTS_SQL } from "../../lib/event/payments_view.ts";

Deno.test("PAYMENTS_SQL joins each transaction with the latest status that is not older", async () => {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(`
    CREATE SCHEMA processed;
    CREATE TABLE processed.transactions AS SELECT * FROM (VALUES
      ('stripe', 'p1', 'pending', TIMESTAMP '2026-01-01 10:00:00'),
      ('stripe', 'p2', 'completed', TIMESTAMP '2026-01-01 10:00:00'),
      ('stripe', 'p3', 'pending', TIMESTAMP '2026-01-01 10:00:00'),
      ('revolut', 'p1', 'pending', TIMESTAMP '2026-01-01 10:00:00'),
      ('token', NULL, 'pending', TIMESTAMP '2026-01-01 10:00:00')
    ) AS t(source, transaction_id, status, event_time);
    CREATE TABLE processed.transaction_statuses AS SELECT * FROM (VALUES
      ('stripe', 'p1', 'processing', TIMESTAMP '2026-01-01 10:01:00', 0, 1),
      ('stripe', 'p1', 'succeeded', TIMESTAMP '2026-01-01 10:02:00', 0, 2),
      ('stripe', 'p1', 'settled', TIMESTAMP '2026-01-01 10:02:00', 0, 3),
      ('stripe', 'p2', 'created', TIMESTAMP '2026-01-01 09:59:00', 0, 4)
    ) AS t(source, transaction_id, status, event_time, log_partition, log_offset);
  `);
  const reader = await connection.runAndReadAll(
    `SELECT source, transaction_id, latest_status FROM (${PAYMENTS_SQL}) AS payments ORDER BY source, transaction_id`,
  );
  deepStrictEqual(reader.getRows(), [
    ["revolut", "p1", "pending"],
    ["stripe", "p1", "settled"],
    ["stripe", "p2", "completed"],
    ["stripe", "p3", "pending"],
    ["token", null, "pending"],
  ]);
  connection.closeSync();
});
