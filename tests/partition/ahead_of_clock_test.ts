import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { aheadOfClock, aheadOfClockMs } from "../../lib/partition/ahead_of_clock.ts";

const MINUTE_MS = 60_000;

Deno.test("aheadOfClockMs leaves alone what an event's own time explains", () => {
  strictEqual(aheadOfClockMs(null, 1_000_000), 0);
  strictEqual(aheadOfClockMs(1_000_000 + 5 * MINUTE_MS, 1_000_000), 0);
  strictEqual(aheadOfClockMs(1_000_000 + 5 * MINUTE_MS + 1, 1_000_000), 5 * MINUTE_MS + 1);
});

Deno.test("aheadOfClock warns once a partition until the clock has caught up", () => {
  const told: unknown[] = [];
  const gauges: Record<number, number> = {};
  const hear = aheadOfClock({
    gauge: (partition, seconds) => void (gauges[partition] = seconds),
    warn: (_message, { partition, ahead_seconds }) => void told.push(["warn", partition, ahead_seconds]),
    info: (_message, { partition }) => void told.push(["info", partition]),
  });
  const watermark = 100 * MINUTE_MS;
  hear(0, watermark, 40 * MINUTE_MS);
  hear(0, watermark, 50 * MINUTE_MS);
  hear(1, watermark, 99 * MINUTE_MS);
  deepStrictEqual(gauges, { 0: 3000, 1: 0 });
  hear(0, watermark, 96 * MINUTE_MS);
  hear(0, watermark, 90 * MINUTE_MS);
  deepStrictEqual(told, [["warn", 0, 3600], ["info", 0], ["warn", 0, 600]]);
});
