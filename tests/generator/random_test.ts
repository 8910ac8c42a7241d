import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { normalQuantile } from "../../lib/generator/normal.ts";
import { Random } from "../../lib/generator/random.ts";

const draws = (seed: string | number, count = 20) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.bits());
};

Deno.test("Random gives the same draws for the same seed, and others for another", () => {
  deepStrictEqual(draws("a"), draws("a"));
  notDeepStrictEqual(draws("a"), draws("b"));
  notDeepStrictEqual(draws(1), draws(2));
});

Deno.test("Random gives these draws for ever: labels and files of today mean the same tomorrow", () => {
  deepStrictEqual(draws("millrace", 4), FIRST_DRAWS);
});

const FIRST_DRAWS = [3713675464, 4026010700, 198571276, 2131199577];

Deno.test("Random spreads evenly", () => {
  const random = new Random(7);
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 160_000; i++) counts[random.below(16)]++;
  for (const count of counts) ok(Math.abs(count - 10_000) < 500, `${counts}`);
});

Deno.test("Random.whole and between stay within their ends", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: -50, max: 50 }), fc.nat(20), (seed, least, span) => {
    const random = new Random(seed);
    const whole = random.whole(least, least + span);
    ok(Number.isInteger(whole) && whole >= least && whole <= least + span);
    const real = random.between(least, least + 1);
    ok(real >= least && real < least + 1);
  }));
});

Deno.test("Random.weighted never picks what weighs nothing, and nothing when nothing weighs", () => {
  const random = new Random(3);
  for (let i = 0; i < 1000; i++) strictEqual(random.weighted({ none: 0, some: 2 }), "some");
  strictEqual(random.weighted({ none: 0 }), null);
});

Deno.test("Random.normal has mean 0 and deviation 1", () => {
  const random = new Random(11);
  const values = Array.from({ length: 50_000 }, () => random.normal());
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / values.length;
  ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.03, `${mean} ${variance}`);
});

Deno.test("normalQuantile knows the quantiles of the books", () => {
  const known: [number, number][] = [
    [0.5, 0],
    [0.8413447460685429, 1],
    [0.975, 1.959963984540054],
    [0.001, -3.090232306167813],
    [0.9999, 3.719016485455709],
  ];
  for (const [p, value] of known) ok(Math.abs(normalQuantile(p) - value) < 1e-8, `${p}`);
});
