import { deepStrictEqual } from "node:assert/strict";
import { Lags } from "../../lib/partition/lags.ts";

const SILENCE_MS = 10_000;

Deno.test("Lags lets wait on what waited when an owner was last heard", () => {
  const lags = new Lags(SILENCE_MS);
  lags.heard(0, { records: 30, seconds: 5 }, 100_000);
  deepStrictEqual([...lags.at(100_000)], [[0, { records: 30, seconds: 5 }]]);
  deepStrictEqual([...lags.at(3_700_000)], [[0, { records: 30, seconds: 3_605 }]]);
});

Deno.test("Lags believes an owner that had nothing to do, until it is silent", () => {
  const lags = new Lags(SILENCE_MS);
  lags.heard(0, { records: 0, seconds: 0 }, 100_000);
  deepStrictEqual(lags.at(110_000).get(0), { records: 0, seconds: 0 });
  deepStrictEqual(lags.at(160_000).get(0), { records: 0, seconds: 60 });
  lags.heard(0, { records: 0, seconds: 0 }, 161_000);
  deepStrictEqual(lags.at(161_000).get(0), { records: 0, seconds: 0 });
});

Deno.test("Lags says nothing of a partition that was let go of, and nothing less after a clock was set back", () => {
  const lags = new Lags(SILENCE_MS);
  lags.heard(0, { records: 1, seconds: 7 }, 100_000);
  lags.heard(1, { records: 1, seconds: 7 }, 100_000);
  lags.forget(1);
  deepStrictEqual([...lags.at(40_000)], [[0, { records: 1, seconds: 7 }]]);
});
