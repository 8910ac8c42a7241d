import assert from "node:assert/strict";
import { freshnessData, rateData, Samples } from "../../../static/dashboard/rate_chart.ts";
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
