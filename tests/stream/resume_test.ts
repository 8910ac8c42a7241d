/** A stream that is stopped and resumed from its checkpointed state gives the rows, and the state, of one that was not. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CLOSE_ALL, contents, randomRecords, run, SHIPPED } from "./stream_case.ts";

Deno.test("resuming after every record equals never having stopped", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const records = [...SHIPPED, ...random, CLOSE_ALL];
      const whole = run(records);
      const resumed = run(records, () => true);
      assert.deepEqual(resumed.steps, whole.steps);
      assert.deepEqual(contents(resumed.state), contents(whole.state));
    }),
    { numRuns: 25 },
  );
});

Deno.test("resuming anywhere equals never having stopped", () => {
  fc.assert(
    fc.property(randomRecords, fc.array(fc.nat(120), { maxLength: 4 }), (random, stops) => {
      const records = [...SHIPPED, ...random];
      const whole = run(records);
      const resumed = run(records, (offset) => stops.includes(offset));
      assert.deepEqual(resumed.steps, whole.steps);
      assert.deepEqual(contents(resumed.state), contents(whole.state));
    }),
    { numRuns: 25 },
  );
});

Deno.test("a session that was closed at birth and reached into the open closes on time, resumed or not", () => {
  const at = (at_ms: number) => ({
    event: { at_ms, row: { user_id: "u1", currency: "EUR", amount: "1.0000" } },
  });
  const other = (at_ms: number) => ({
    event: { at_ms, row: { user_id: "u2", currency: "EUR", amount: "1.0000" } },
  });
  // The watermark stands at 200.2 s. A session at 80.1 s is closed at birth (200.1 s); 80.3 s opens it again until
  // 200.3 s; the watermark then passes that within the same second.
  const records = [...SHIPPED, other(210_200), at(80_100), at(80_300), other(210_400), other(211_400)];
  const whole = run(records);
  const resumed = run(records, () => true);
  assert.deepEqual(resumed.steps, whole.steps);
  const written = whole.steps.map(({ outputs }) =>
    outputs.filter(({ table, row }) => table.includes("user_session") && row.user_id === "u1").length
  );
  assert.deepEqual(written, [0, 0, 0, 0, 0, 1, 0]);
});

Deno.test("an early revision that is due survives a late one of another window of the key", () => {
  const at = (at_ms: number) => ({
    event: { at_ms, row: { user_id: "u1", currency: "EUR", amount: "1.0000", status: "completed" } },
  });
  const DAY = 86_400_000;
  // Today begins 16 h after the start; yesterday takes one more event while today's is not yet written.
  const records = [
    ...SHIPPED,
    at(0),
    at(16 * 3_600_000 + 100_000),
    at(15.99 * 3_600_000),
    at(16 * 3_600_000 + 101_500),
  ];
  const rows = run([...records, { tick_ms: DAY }]).steps.map(({ outputs }) =>
    outputs.filter(({ table }) => table === "analytics.daily_spend_revisions").map(({ row }) =>
      `${row.window_start}`.slice(8, 10) + ` ${row.revision} ${row.is_final} ${row.txn_count}`
    )
  );
  assert.deepEqual(rows.slice(2), [
    [],
    ["15 1 true 1", "16 1 false 1"],
    [],
    ["15 2 true 2"],
    ["16 2 false 2"],
  ]);
});
