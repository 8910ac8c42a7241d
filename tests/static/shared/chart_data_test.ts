import assert from "node:assert/strict";
import { lonelyPlaces, xRange } from "../../../static/shared/chart_data.ts";

Deno.test("`lonelyPlaces` are those that no line goes through", () => {
  assert.deepEqual(lonelyPlaces([5]), [0]);
  assert.deepEqual(lonelyPlaces([5, 6]), []);
  assert.deepEqual(lonelyPlaces([0, null, null, 3, null, 4, 5]), [0, 3]);
  assert.deepEqual(lonelyPlaces([null]), []);
});

Deno.test("`xRange` gives a single place room on both sides", () => {
  const along = (kind: "time" | "number" | "category", ...values: number[]) => ({ kind, name: "x", values });
  // The chart's own idea of where a single time ends is years away.
  assert.deepEqual(xRange(along("time", 600), 600, 86_400_600), [570, 630]);
  assert.deepEqual(xRange(along("number", 0), 0, 0), [-1, 1]);
  assert.deepEqual(xRange(along("number", 1000), 1000, 1000), [900, 1100]);
  assert.deepEqual(xRange(along("time", 600, 660), 600, 660), [600, 660]);
  assert.deepEqual(xRange(along("category", 0), 0, 0), [-0.6, 0.6]);
});
