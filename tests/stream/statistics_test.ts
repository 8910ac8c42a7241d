/** Statistics of a user's amounts against exact rational arithmetic. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { scaledCell } from "../../lib/stream/decimal.ts";
import { counted, deviation, NO_STANDING, standing, type Statistics } from "../../lib/stream/statistics.ts";

const scaledOf = (amount: string) => scaledCell(amount)!;

function text(units: bigint): string {
  const digits = String(units < 0n ? -units : units).padStart(5, "0");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

function over(amounts: readonly bigint[]): Statistics | undefined {
  return amounts.reduce<Statistics | undefined>((s, units) => counted(s, scaledOf(text(units))), undefined);
}

/** Sample variance in units of 10^-4, squared: (n sum x^2 - (sum x)^2) / (n (n - 1)), with 12 decimals kept. */
function exactVariance(amounts: readonly bigint[]): number {
  const n = BigInt(amounts.length);
  const sum = amounts.reduce((a, b) => a + b, 0n);
  const squares = amounts.reduce((a, b) => a + b * b, 0n);
  return Number((n * squares - sum * sum) * 10n ** 12n / (n * (n - 1n))) / 1e20;
}

const near = fc.tuple(
  fc.constantFrom(0n, 10n ** 13n, -(10n ** 13n), 10n ** 17n),
  fc.array(fc.bigInt({ min: 1n, max: 100_000n }), { minLength: 2, maxLength: 60 }),
).map(([base, all]) => all.map((tiny) => base + tiny));
const wide = fc.array(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), { minLength: 2, maxLength: 60 });

Deno.test("the spread is right to 1e-9, also of a billion and something tiny, and never negative", () => {
  fc.assert(fc.property(fc.oneof(near, wide), (amounts) => {
    const variance = exactVariance(amounts);
    const statistics = over(amounts)!;
    const found = statistics[4] / (amounts.length - 1);
    assert.ok(found >= 0);
    assert.ok(Math.abs(found - variance) <= 1e-9 * variance + 1e-20, `${found} for ${variance}`);
    const expected = Math.max(Math.sqrt(variance), 0.1);
    assert.ok(Math.abs(deviation(statistics) - expected) <= 1e-9 * expected);
  }));
});

Deno.test("`standing` speaks of the rows before", () => {
  assert.deepEqual(standing(undefined, scaledOf("5.0000")), NO_STANDING);
  assert.deepEqual(standing(over([50_000n]), scaledOf("7.0000")), {
    user_txn_count: 1,
    user_running_mean: 5,
    z_score: null,
    is_anomaly: false,
  });
  // Equal amounts: the spread is taken as 0.1.
  const equal = over(Array(9).fill(50_000n))!;
  assert.deepEqual(standing(equal, scaledOf("5.4000")).is_anomaly, false);
  const ten = counted(equal, scaledOf("5.0000"));
  const { z_score, is_anomaly } = standing(ten, scaledOf("5.4000"));
  assert.ok(Math.abs(z_score! - 4) < 1e-12);
  assert.equal(is_anomaly, true);
  assert.equal(standing(ten, scaledOf("4.6000")).is_anomaly, true);
  assert.equal(standing(ten, scaledOf("5.2000")).is_anomaly, false);
});

Deno.test("the mean of negative and positive amounts is signed", () => {
  assert.equal(standing(over([-100_000n, 300_000n]), scaledOf("1.0000")).user_running_mean, 10);
});
