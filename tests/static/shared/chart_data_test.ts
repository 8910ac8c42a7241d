import assert from "node:assert/strict";
import { barsBeside, lonelyPlaces, xRange } from "../../../static/shared/chart_data.ts";

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

Deno.test("`barsBeside` puts bars of one place side by side, around it", () => {
  assert.deepEqual(barsBeside([0, 1, 2], { at: 0, of: 3, widest: 1 }), {
    starts: [-0.375, 0.625, 1.625],
    width: 0.25,
  });
  assert.deepEqual(barsBeside([0, 1, 2], { at: 2, of: 3, widest: 1 }).starts, [0.125, 1.125, 2.125]);
  assert.deepEqual(barsBeside([60, 120, 300], { at: 1, of: 2, widest: 9 }), {
    starts: [60, 120, 300],
    width: 9,
  });
  assert.deepEqual(barsBeside([7], { at: 0, of: 2, widest: 4 }), { starts: [3], width: 4 });
});
