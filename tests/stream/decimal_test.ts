/** Exact decimal sums: whatever is added, in whatever order, the text is that of exact arithmetic. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decimalCell } from "../../lib/stream/aggregate.ts";
import {
  add,
  compare,
  difference,
  fits,
  type Scaled,
  scaledCell,
  toNumber,
  toText,
} from "../../lib/stream/decimal.ts";

const scaledOf = (value: string | number) => scaledCell(value)!;

const units = fc.oneof(
  fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }),
  fc.bigInt({ min: -20_000_000n, max: 20_000_000n }),
  fc.constantFrom(-1n, 0n, 1n, 10n ** 15n, -(10n ** 15n), 10n ** 15n - 1n, 1n - 10n ** 15n),
);

function text(units: bigint): string {
  const digits = String(units < 0n ? -units : units).padStart(5, "0");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

Deno.test("`add` is exact, in any order", () => {
  fc.assert(fc.property(fc.array(units, { maxLength: 30 }), (all) => {
    const sum = (list: bigint[]) => list.map(text).map(scaledOf).reduce(add, scaledOf(0));
    const expected = text(all.reduce((a, b) => a + b, 0n));
    assert.equal(toText(sum(all)), expected);
    assert.deepEqual(sum([...all].reverse()), sum(all));
  }));
});

Deno.test("`compare`, `difference` and `toNumber` agree with exact arithmetic", () => {
  fc.assert(fc.property(units, units, (a, b) => {
    const [x, y]: Scaled[] = [scaledOf(text(a)), scaledOf(text(b))];
    assert.equal(Math.sign(compare(x, y)), a < b ? -1 : a > b ? 1 : 0);
    const exact = Number(a - b) / 1e4;
    assert.ok(Math.abs(difference(x, y) - exact) <= Math.abs(exact) * 1e-15);
    assert.equal(toNumber(x), Number(text(a)));
  }));
});

Deno.test("`scaledCell` reads numbers and short texts", () => {
  assert.equal(toText(scaledOf("7")), "7.0000");
  assert.equal(toText(scaledOf("-0.5")), "-0.5000");
  assert.equal(toText(scaledOf("9999999999999999")), "9999999999999999.0000");
  assert.equal(toText(scaledOf(0.00005)), "0.0001");
  assert.equal(toText(scaledOf(-0.00005)), "-0.0001");
  assert.equal(toText(scaledOf(1234567890123.25)), "1234567890123.2500");
  assert.equal(toText(scaledOf(-0)), "0.0000");
  assert.equal(Object.is(scaledOf("-0.0000").low, -0), false);
});

Deno.test("`fits` knows what a decimal column has room for, and what does not is no cell", () => {
  const edge = "99999999999999.9999";
  assert.deepEqual([edge, `-${edge}`].map((one) => fits(scaledOf(one), 18)), [true, true]);
  assert.deepEqual(
    ["100000000000000", "-100000000000000", 1e15, 1e300].map((one) => fits(scaledOf(one), 18)),
    [
      false,
      true,
      false,
      false,
    ],
  );
  assert.equal(decimalCell(scaledOf(1e15), 18), null);
  assert.equal(decimalCell(scaledOf(1e15), 38), "1000000000000000.0000");
  assert.equal(decimalCell(scaledOf(1e35), 38), null);
  assert.equal(decimalCell(null, 18), null);
});
