import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Schedule } from "../../lib/generator/schedule.ts";

Deno.test("Schedule gives events by time, of equal times as they were planned", () => {
  fc.assert(fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (times) => {
    const schedule = new Schedule<{ time_ms: number; order: number }>();
    const events = times.map((time_ms, order) => ({ time_ms, order }));
    for (const event of events) schedule.add(event);
    const given = events.map(() => schedule.due(Infinity));
    deepStrictEqual(given, events.toSorted((a, b) => a.time_ms - b.time_ms || a.order - b.order));
    strictEqual(schedule.due(Infinity), null);
  }));
});

Deno.test("Schedule keeps what is not due yet", () => {
  const schedule = new Schedule<{ time_ms: number }>();
  schedule.add({ time_ms: 10 });
  strictEqual(schedule.due(9), null);
  deepStrictEqual(schedule.due(10), { time_ms: 10 });
});
