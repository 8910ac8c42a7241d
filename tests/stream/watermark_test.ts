/** Time of a partition: what moves it, what does not, and who is late. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { LATE_EVENT_COLUMNS } from "../../lib/event/late_event.ts";
import {
  afterRow,
  afterSettings,
  afterTick,
  isLate,
  lateEventRow,
  NO_TIME,
  type TimeSettings,
} from "../../lib/stream/watermark.ts";

const SETTINGS: TimeSettings = { out_of_orderness_ms: 10_000, allowed_lateness_ms: 3_600_000 };
const T = 1_800_000_000_000_000;

Deno.test("`isLate` is exact to the microsecond", () => {
  const time = afterRow(NO_TIME, T, SETTINGS);
  const line = T - 10_000_000 - 3_600_000_000;
  assert.equal(time.watermark_us, T - 10_000_000);
  assert.equal(isLate(time, line), false);
  assert.equal(isLate(time, line - 1), true);
  assert.equal(isLate(NO_TIME, 0), false);
});

Deno.test("`afterTick` does nothing before the first row, and then moves time to log time", () => {
  assert.equal(afterTick(NO_TIME, T / 1000, SETTINGS), NO_TIME);
  const time = afterTick(afterRow(NO_TIME, T, SETTINGS), T / 1000 + 60_000, SETTINGS);
  assert.equal(time.watermark_us, T + 50_000_000);
  assert.equal(time.highest_us, T);
});

Deno.test("neither the watermark nor the line of lateness goes back", () => {
  const step = fc.oneof(
    fc.record({ row: fc.integer({ min: 0, max: 10_000_000_000 }) }),
    fc.record({ tick: fc.integer({ min: 0, max: 10_000_000 }) }),
    fc.record({
      lateness: fc.integer({ min: 0, max: 10_000 }),
      disorder: fc.integer({ min: 0, max: 10_000 }),
    }),
  );
  fc.assert(fc.property(fc.array(step), (steps) => {
    let settings = SETTINGS;
    let time = NO_TIME;
    for (const one of steps) {
      const before = time;
      if ("row" in one) time = afterRow(time, T + one.row, settings);
      else if ("tick" in one) time = afterTick(time, T / 1000 + one.tick, settings);
      else {
        settings = { out_of_orderness_ms: one.disorder, allowed_lateness_ms: one.lateness };
        time = afterSettings(time, settings);
      }
      if (before.watermark_us === null) continue;
      assert.ok(time.watermark_us! >= before.watermark_us);
      assert.ok(time.line_us! >= before.line_us!);
      assert.ok(time.line_us! <= time.watermark_us!);
    }
  }));
});

Deno.test("a longer lateness lets nobody in behind the line; a shorter one moves it at once", () => {
  const time = afterRow(NO_TIME, T, SETTINGS);
  const longer = afterSettings(time, { ...SETTINGS, allowed_lateness_ms: 7_200_000 });
  assert.equal(longer.line_us, time.line_us);
  const shorter = afterSettings(time, { ...SETTINGS, allowed_lateness_ms: 1000 });
  assert.equal(shorter.line_us, T - 11_000_000);
});

Deno.test("`lateEventRow` tells where the watermark stood, and by how much the event missed it", () => {
  const place = { source: "shop", partition: 2, offset: 41, received_at: 1_000 };
  const event = { kind: "transaction", event_id: "e1", event_time_ms: 1, event_time_sub_us: 0, row: {} };
  const row = lateEventRow({ ...place, ...event }, 7_200_001_000);
  assert.deepEqual(new Set(Object.keys(row)), new Set(LATE_EVENT_COLUMNS.map(({ name }) => name)));
  assert.deepEqual([row.event_time, row.watermark, row.late_by_ms], [
    "1970-01-01T00:00:00.001",
    "1970-01-01T02:00:00.001",
    7_200_000,
  ]);
});
