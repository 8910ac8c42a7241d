/** Counts never go back, whichever of the two ways of counting is ahead. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { doorCounts, EventCounts } from "../../lib/live/counts.ts";
import { difference, type LivePayload, merged } from "../../lib/live/payload.ts";
import { Metrics } from "../../lib/observe/metrics.ts";

const doors = (sources: Record<string, number>, kinds: Record<string, number> = {}) => ({ sources, kinds });

Deno.test("EventCounts adds to the log what the doors counted since", () => {
  const counts = new EventCounts();
  counts.doorsRead(doors({ shop: 5 }), 0);
  equal(counts.accepted, 5);
  counts.logRead({ shop: 100, other: 40 }, 100);
  equal(counts.accepted, 140);
  counts.doorsRead(doors({ shop: 7 }), 2_000);
  equal(counts.accepted, 140);
  counts.doorsRead(doors({ shop: 9 }), 2_500);
  equal(counts.accepted, 142);
});

Deno.test("EventCounts counts nothing twice when a thread reports later than the log was read", () => {
  const counts = new EventCounts();
  counts.doorsRead(doors({ demo: 0 }), 0);
  counts.logRead({ demo: 10_000 }, 500);
  for (const [at, reported] of [4_000, 10_000, 10_000, 10_000, 10_020].entries()) {
    counts.doorsRead(doors({ demo: reported }), 700 + at * 500);
  }
  equal(counts.accepted, 10_020);
});

Deno.test("EventCounts never goes back", () => {
  const step = fc.record({ log: fc.nat(100), door: fc.nat(10), isLog: fc.boolean() });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const counts = new EventCounts();
    let [door, before] = [0, 0];
    for (const [at, one] of steps.entries()) {
      door += one.door;
      if (one.isLog) counts.logRead({ shop: one.log }, at * 500);
      counts.doorsRead(doors({ shop: door }), at * 500);
      ok(counts.accepted >= before);
      before = counts.accepted;
    }
  }));
});

Deno.test("EventCounts tells rates over seconds and points of what came between", () => {
  const counts = new EventCounts();
  counts.doorsRead(doors({ shop: 0 }, { transaction: 0 }), 0);
  deepEqual(counts.point(0), { t: 0, sources: {}, kinds: {} });
  counts.doorsRead(doors({ shop: 50 }, { transaction: 50 }), 1_000);
  deepEqual(counts.point(1_000), { t: 1_000, sources: { shop: 50 }, kinds: { transaction: 50 } });
  equal(counts.events_per_second, 50);
  for (let second = 2; second < 8; second++) counts.doorsRead(doors({ shop: 50 }), second * 1_000);
  equal(counts.events_per_second, 0);
});

Deno.test("EventCounts tells the same rate of pulses, whenever it looks at them", () => {
  for (const tick_ms of [480, 500, 505, 730, 1_000]) {
    const counts = new EventCounts();
    for (let at_ms = 0; at_ms < 60_000; at_ms += tick_ms) {
      counts.doorsRead(doors({ shop: 20 * Math.floor(at_ms / 1_000) }), at_ms);
      const told = counts.events_per_second;
      if (at_ms > 10_000) ok(told >= 17 && told <= 23, `${told} when looking each ${tick_ms} ms`);
    }
  }
});

Deno.test("EventCounts tells of the first events after a long silence as of a few seconds", () => {
  const counts = new EventCounts();
  counts.doorsRead(doors({ shop: 1 }), 0);
  counts.doorsRead(doors({ shop: 1 }), 3_600_000);
  counts.doorsRead(doors({ shop: 101 }), 3_600_500);
  equal(counts.events_per_second, 20);
});

Deno.test("EventCounts takes what the log held before anybody looked for no growth", () => {
  const counts = new EventCounts();
  counts.doorsRead(doors({ shop: 0 }), 0);
  counts.point(0);
  counts.logRead({ shop: 600_000 }, 500);
  counts.doorsRead(doors({ shop: 0 }), 1_000);
  equal(counts.events_per_second, 0);
  deepEqual(counts.point(1_000).sources, {});
  counts.doorsRead(doors({ shop: 0 }), 2_100);
  counts.doorsRead(doors({ shop: 20 }), 2_600);
  ok(counts.events_per_second <= 20);
  equal(counts.accepted, 600_020);
});

Deno.test("EventCounts counts what is not taken apart by source yet once", () => {
  const counts = new EventCounts();
  counts.logRead({ shop: 10, "(not yet read)": 30 }, 0);
  equal(counts.accepted, 40);
  counts.logRead({ shop: 40 }, 2_000);
  equal(counts.accepted, 40);
  deepEqual(Object.keys(counts.point(0).sources), []);
});

Deno.test("doorCounts reads the counters of the doors", () => {
  const metrics = new Metrics();
  metrics.counter("events_accepted_total", { source: "shop" }).add(3);
  metrics.counter("events_by_kind_total", { kind: "transaction" }).add(2);
  deepEqual(doorCounts(metrics.merged()), { sources: { shop: 3 }, kinds: { transaction: 2 } });
});

const payloads = fc.record({
  at: fc.constantFrom("a", "b"),
  metrics: fc.dictionary(fc.constantFrom("x", "y", "z"), fc.nat(3), { maxKeys: 3 }),
  problems: fc.array(fc.constantFrom("p", "q"), { maxLength: 2 }),
  dead_letters: fc.dictionary(fc.constantFrom("r", "s"), fc.nat(2), { maxKeys: 2 }),
});

Deno.test("a delta on what was known gives what is known", () => {
  fc.assert(fc.property(payloads, payloads, (before: LivePayload, now: LivePayload) => {
    const metrics = { ...before.metrics, ...now.metrics };
    const after = merged(before, difference(before, { ...now, metrics }));
    deepEqual({ ...after, history: undefined, alerts: undefined }, {
      ...now,
      metrics,
      history: undefined,
      alerts: undefined,
    });
  }));
});

Deno.test("merging deltas first or one after the other comes to the same", () => {
  fc.assert(
    fc.property(payloads, payloads, payloads, (known: LivePayload, a: LivePayload, b: LivePayload) => {
      deepEqual(merged(merged(known, a), b), merged(known, merged(a, b)));
    }),
  );
});
