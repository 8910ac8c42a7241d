import assert from "node:assert/strict";
import { pastPoints, stepOf } from "../../../static/dashboard/past_rate.ts";
import {
  freshnessData,
  latencySentence,
  rateData,
  Samples,
  stackedRates,
  topOf,
} from "../../../static/dashboard/rate_chart.ts";
import type { Rows } from "../../../static/engine/result.ts";
import type { LivePayload } from "../../../static/shared/live.ts";
import { sparkPoints } from "../../../static/dashboard/sparkline.ts";

const payload: LivePayload = {
  metrics: { events_per_second: 12, freshness_seconds: 3 },
  history: [
    { t: 1_000, kinds: { a: 1, b: 5 }, sources: { demo: 6 } },
    { t: 2_000, kinds: { b: 4 }, sources: { demo: 4 } },
  ],
};

Deno.test("`rateData` stacks kinds, the largest at the foot, and says the sum in words", () => {
  const data = rateData(payload, new Samples(), "kinds", 0);
  assert.deepEqual(data.series, [{ name: "b", values: [5, 4] }, { name: "a", values: [1, 0] }]);
  assert.equal(
    data.summary,
    "Over 1 s: now 4 events a second, between 4 and 6, 5 on average. Most come from b (90 %).",
  );
});

Deno.test("`rateData` weighs a point by the seconds that it stands for", () => {
  const history = [{ t: 0, seconds: 9, kinds: { a: 10 }, sources: {} }, {
    t: 9_000,
    kinds: { a: 20 },
    sources: {},
  }];
  assert.match(rateData({ metrics: {}, history }, new Samples(), "kinds", 0).summary, /, 11 on average/);
});

Deno.test("`rateData` shows sources while kinds are not known, and its own samples while nothing is", () => {
  const blind = { ...payload, history: payload.history?.map((point) => ({ ...point, kinds: {} })) };
  assert.deepEqual(rateData(blind, new Samples(), "kinds", 0).series.map((one) => one.name), ["demo"]);
  const samples = new Samples();
  samples.take(payload, 5_000);
  samples.take({ metrics: { events_per_second: 20 } }, 5_400);
  const data = rateData({ metrics: {} }, samples, "kinds", 0);
  assert.deepEqual(data.series, [{ name: "events", values: [20] }]);
});

Deno.test("`freshnessData` says the newest and the worst", () => {
  const samples = new Samples();
  samples.take({ metrics: { freshness_seconds: 9 } }, 1_000);
  samples.take(payload, 2_000);
  assert.match(freshnessData(samples, 0).summary, /^Rows are queryable 3 s after they arrive; at most 9 s/);
  assert.equal(freshnessData(new Samples(), 0).summary, "Not known yet.");
});

Deno.test("`sparkPoints` stays inside its box", () => {
  assert.deepEqual(sparkPoints([]), []);
  assert.deepEqual(sparkPoints([0, 10]), ["0.0,22.0", "120.0,2.0"]);
  assert.deepEqual(sparkPoints([5]), ["0.0,2.0"]);
  assert.deepEqual(sparkPoints([0, 0]), ["0.0,22.0", "120.0,22.0"]);
});

Deno.test("`topOf` cuts a burst off that would press everything else flat, and nothing else", () => {
  const usual = Array.from({ length: 40 }, () => 20);
  assert.equal(topOf([...usual, 10_000]), 25);
  assert.equal(topOf([...usual.slice(0, 20), 30, 4_000, 4_021, 2_000, 500]), 37.5);
  assert.equal(topOf([...usual, 60]), undefined);
  assert.equal(topOf([10_000]), undefined);
  assert.equal(topOf([]), undefined);
  const history = [...usual, 10_000].map((n, t) => ({ t: t * 1_000, kinds: { a: n }, sources: {} }));
  assert.match(stackedRates(history, "kinds", "now")?.summary ?? "", /The burst of 10,000 is cut off/);
});

Deno.test("`pastPoints` are rates a second, with zeros where nothing came", () => {
  const cells = [["60", "click", "demo", "120"], ["60", null, "shop", "60"], ["180", "click", "demo", "6"]];
  const rows = { rowCount: 3, text: (row: number, column: number) => cells[row][column] } as unknown as Rows;
  assert.deepEqual(pastPoints(rows, 60, { from: 60, until: 240 }), [
    { t: 60_000, seconds: 60, kinds: { click: 2, undecodable: 1 }, sources: { demo: 2, shop: 1 } },
    { t: 120_000, seconds: 60, kinds: {}, sources: {} },
    { t: 180_000, seconds: 60, kinds: { click: 0.1 }, sources: { demo: 0.1 } },
  ]);
  assert.deepEqual(pastPoints({ rowCount: 0 } as Rows, 60, { from: 0, until: 60 }), []);
  assert.deepEqual([900, 86_400, 7 * 86_400, 30 * 86_400].map(stepOf), [60, 900, 3_600, 21_600]);
});

Deno.test("`pastPoints` counts steps that lie in the range in part for that part", () => {
  const cells = [["60", "click", "demo", "60"], ["120", "click", "demo", "120"], [
    "180",
    "click",
    "demo",
    "30",
  ]];
  const rows = { rowCount: 3, text: (row: number, column: number) => cells[row][column] } as unknown as Rows;
  const points = pastPoints(rows, 60, { from: 90, until: 195 });
  assert.deepEqual(points.map((point) => [point.seconds, point.kinds.click]), [[30, 2], [60, 2], [15, 2]]);
});

Deno.test("`latencySentence` says only what was measured", () => {
  assert.equal(latencySentence({ append_p95_seconds: null }), "");
  assert.equal(
    latencySentence({ append_p95_seconds: 0.0025, publish_p95_seconds: 1 }),
    "In the last minute 95 % took at most 2.5 ms to append, 1 s to publish.",
  );
});
