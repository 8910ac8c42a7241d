/** Counts never go back, whichever of the two ways of counting is ahead. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { doorCounts, EventCounts } from "../../lib/live/counts.ts";
import { difference, type LivePayload, type LivePoint, merged, thinned } from "../../lib/live/payload.ts";
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

/** Points of a minute in which both ways of counting are looked at on beats of their own. */
function pointsOf(tick_ms: number, counted: (at_ms: number) => { door: number; log: number }): LivePoint[] {
  const counts = new EventCounts();
  const points: LivePoint[] = [];
  let read_ms = -Infinity;
  for (let at_ms = 0; at_ms <= 60_000; at_ms += tick_ms) {
    // A thread reports every second.
    const { door } = counted(Math.floor(at_ms / 1_000) * 1_000);
    counts.doorsRead(doors({ shop: door }, { transaction: door }), at_ms);
    points.push(...counts.points(at_ms));
    if (at_ms - read_ms < 2_000) continue;
    read_ms = at_ms;
    counts.logRead({ shop: counted(at_ms).log, "(not yet read)": 5 }, at_ms);
  }
  return points;
}

Deno.test("EventCounts tells an even stream as an even one, through these doors or others", () => {
  for (const tick_ms of [480, 505, 620, 730, 1_010]) {
    const points = [
      pointsOf(tick_ms, (at_ms) => ({ door: at_ms / 50, log: 1_000 + at_ms / 50 })),
      pointsOf(tick_ms, (at_ms) => ({ door: 0, log: 1_000 + at_ms / 50 })),
    ];
    for (const told of points) {
      const rates = told.filter(({ t }) => t > 10_000).map((point) => point.sources.shop);
      ok(rates.length > 40);
      ok(rates.every((rate) => rate > 13 && rate < 27), `looking each ${tick_ms} ms: ${rates}`);
    }
  }
});

Deno.test("EventCounts loses nothing between its points, each of which is told once", () => {
  const step = fc.record({ wait_ms: fc.integer({ min: 1, max: 6_000 }), door: fc.nat(100) });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const counts = new EventCounts();
    counts.doorsRead(doors({ shop: 0 }, { transaction: 0 }), 0);
    const points: LivePoint[] = [];
    let [at_ms, door] = [4_000, 0];
    for (const one of [...steps, { wait_ms: 1, door: 0 }, { wait_ms: 10_000, door: 0 }]) {
      at_ms += one.wait_ms;
      door += one.door;
      counts.doorsRead(doors({ shop: door }, { transaction: door }), at_ms);
      points.push(...counts.points(at_ms));
    }
    deepEqual(points.map(({ t }) => t), points.map((_, at) => 1_000 + at * 1_000));
    for (const  of of["sources", "kinds"] as const) {
      const sum = points.reduce((all, point) => all + (Object.values(point[of])[0] ?? 0), 0);
      ok(Math.abs(sum - door) <= 0.01 * points.length, `${sum} of ${door}`);
    }
  }));
});

Deno.test("EventCounts tells rates over seconds", () => {
  const counts = new EventCounts();
  counts.doorsRead(doors({ shop: 0 }, { transaction: 0 }), 0);
  counts.doorsRead(doors({ shop: 50 }, { transaction: 50 }), 1_000);
  equal(counts.events_per_second, 50);
  for (let second = 2; second < 8; second++) counts.doorsRead(doors({ shop: 50 }), second * 1_000);
  equal(counts.events_per_second, 0);
});

Deno.test("EventCounts tells rates and points at once again after a clock was set back", () => {
  const counts = new EventCounts();
  const hour_ms = 3_600_000;
  let taken = 0;
  const take = (from_ms: number) => {
    for (let at_ms = from_ms; at_ms <= from_ms + 10_000; at_ms += 1_000) {
      counts.doorsRead(doors({ shop: taken += 50 }), at_ms);
    }
  };
  take(2 * hour_ms);
  counts.points(2 * hour_ms + 10_000);
  counts.logRead({ shop: 0 }, 2 * hour_ms + 10_000);
  take(hour_ms);
  equal(counts.events_per_second, 50);
  const points = counts.points(hour_ms + 10_000);
  ok(points.length >= 5 && points.every(({ t }) => t < hour_ms + 10_000));
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
  counts.logRead({ shop: 600_000 }, 500);
  counts.doorsRead(doors({ shop: 0 }), 1_000);
  equal(counts.events_per_second, 0);
  counts.doorsRead(doors({ shop: 0 }), 2_100);
  counts.doorsRead(doors({ shop: 20 }), 2_600);
  ok(counts.events_per_second <= 20);
  equal(counts.accepted, 600_020);
  counts.doorsRead(doors({ shop: 20 }), 10_000);
  const told = counts.points(10_000).map((point) => point.sources.shop ?? 0);
  ok(told.length > 4 && told.every((rate) => rate <= 20), String(told));
});

Deno.test("EventCounts takes what came through others while nobody read the log for even growth", () => {
  const counts = new EventCounts();
  const look = (from_ms: number, until_ms: number) => {
    for (let at_ms = from_ms; at_ms <= until_ms; at_ms += 1_000) counts.doorsRead(doors({ shop: 0 }), at_ms);
  };
  const read = (at_ms: number) => counts.logRead({ shop: at_ms / 50 }, at_ms);
  for (const pause_ms of [30_000, 3_600_000]) {
    read(pause_ms);
    look(pause_ms, 2 * pause_ms);
    read(2 * pause_ms);
    look(2 * pause_ms, 2 * pause_ms);
    const told = counts.events_per_second;
    ok(told >= 17 && told <= 23, `${told} after ${pause_ms} ms`);
  }
});

Deno.test("EventCounts counts what is not taken apart by source yet once", () => {
  const counts = new EventCounts();
  counts.logRead({ shop: 10, "(not yet read)": 30 }, 0);
  equal(counts.accepted, 40);
  counts.logRead({ shop: 40 }, 2_000);
  equal(counts.accepted, 40);
});

Deno.test("doorCounts reads the counters of the doors", () => {
  const metrics = new Metrics();
  metrics.counter("events_accepted_total", { source: "shop" }).add(3);
  metrics.counter("events_by_kind_total", { kind: "transaction" }).add(2);
  deepEqual(doorCounts(metrics.merged()), { sources: { shop: 3 }, kinds: { transaction: 2 } });
});

Deno.test("EventCounts counts a source by a name that every object has", () => {
  const counts = new EventCounts();
  const metrics = new Metrics();
  const accepted = metrics.counter("events_accepted_total", { source: "constructor" });
  const look = (at_ms: number) => counts.doorsRead(doorCounts(metrics.merged()), at_ms);
  counts.logRead({ shop: 1 }, 0);
  look(2_000);
  accepted.add(30);
  look(4_000);
  equal(counts.accepted, 31);
  const told = counts.points(10_000).flatMap(({ sources }) => Object.entries(sources));
  deepEqual(told, [["constructor", 15]]);
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

Deno.test("`thinned` lets go of what is later than the newest, for the clock was set back", () => {
  const point = (t: number) => ({ t, kinds: {}, sources: {} });
  const before = [3_599_000, 3_600_000].map(point);
  deepEqual(thinned([...before, point(1_000)]), [point(1_000)]);
  deepEqual(thinned(before), before);
});

Deno.test("`thinned` keeps an hour in some hundreds of points, and its sum", () => {
  let history: readonly LivePoint[] = [];
  const point = (second: number): LivePoint => ({
    t: second * 1_000,
    kinds: { click: second % 20 },
    sources: { shop: second % 2 },
  });
  for (let second = 0; second < 7_200; second++) history = thinned([...history, point(second)]);
  ok(history.length < 700, `${history.length} points`);
  ok(history[0].t >= 3_600_000 && history[0].t < 3_620_000);
  deepEqual(history.slice(-300), Array.from({ length: 300 }, (_, at) => point(6_900 + at)));
  const seconds = history.reduce((sum, one) => sum + (one.seconds ?? 1), 0);
  equal(seconds, (7_200_000 - history[0].t) / 1_000);
  const clicks = history.reduce((sum, one) => sum + one.kinds.click * (one.seconds ?? 1), 0);
  ok(Math.abs(clicks / seconds - 9.5) < 0.05);
  deepEqual(history[0].sources, { shop: 0.5 });
  deepEqual(thinned([]), []);
});
