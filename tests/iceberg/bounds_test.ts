/** Bounds: the bytes that readers expect, exact both ways, and never narrower than the values. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  type BoundValue,
  cutLower,
  cutUpper,
  decodeBound,
  encodeBound,
  upperBound,
} from "../../lib/iceberg/bounds.ts";
import { dateText, dayOf, microsOf, timestampText } from "../../lib/iceberg/calendar.ts";

const GOLDEN: readonly [type: string, value: BoundValue, hex: string][] = [
  ["boolean", true, "01"],
  ["int", -2, "feffffff"],
  ["long", 1, "0100000000000000"],
  ["long", "9223372036854775807", "ffffffffffffff7f"],
  ["date", "1970-01-02", "01000000"],
  ["date", "1969-12-31", "ffffffff"],
  ["timestamp", "1970-01-01T00:00:00.000001", "0100000000000000"],
  ["timestamp", "1969-12-31T23:59:59.999999", "ffffffffffffffff"],
  ["double", 1.5, "000000000000f83f"],
  ["float", 1.5, "0000c03f"],
  ["string", "é", "c3a9"],
  ["decimal(18, 4)", "0.0007", "07"],
  ["decimal(18, 4)", "0.0200", "00c8"],
  ["decimal(18, 4)", "-0.0001", "ff"],
  ["decimal(18, 4)", "-0.0129", "ff7f"],
  ["decimal(38, 0)", "-170141183460469231731687303715884105728", "80" + "00".repeat(15)],
];

Deno.test("`encodeBound` writes the bytes of the format", () => {
  for (const [type, value, hex] of GOLDEN) {
    const bytes = encodeBound(type, value);
    assert.equal(Buffer.from(bytes ?? []).toString("hex"), hex, `${type} ${value}`);
  }
});

Deno.test("`decodeBound` gives back what `encodeBound` took", () => {
  for (const [type, value] of GOLDEN) {
    assert.deepEqual(decodeBound(type, encodeBound(type, value)!), value, `${type} ${value}`);
  }
  fc.assert(fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(5, "0");
    const text = `${unscaled < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
    assert.equal(decodeBound("decimal(18, 4)", encodeBound("decimal(18, 4)", text)!), text);
  }));
});

Deno.test("a bound keeps the byte order mark that a text begins with, or the text would be left out", () => {
  assert.equal(decodeBound("string", encodeBound("string", "\ufeffz")!), "\ufeffz");
});

Deno.test("`encodeBound` keeps no bound where none compares", () => {
  assert.equal(encodeBound("double", NaN), null);
  assert.equal(encodeBound({ type: "struct", fields: [] }, "x"), null);
});

Deno.test("`cutLower` is at most, `cutUpper` at least the text, in the order of UTF-8", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  fc.assert(
    fc.property(text, (value) => {
      assert.ok(inOrder(cutLower(value), value));
      const upper = cutUpper(value);
      if (upper !== null) assert.ok(inOrder(value, upper), `${value} > ${upper}`);
      assert.ok([...cutLower(value)].length <= 16 && [...(upper ?? "")].length <= 16);
    }),
    { numRuns: 500 },
  );
});

Deno.test("`cutUpper` raises past the surrogates, carries over the highest character, and gives up when all are", () => {
  assert.equal(cutUpper("a".repeat(16)), "a".repeat(16));
  assert.equal(cutUpper("a".repeat(17)), "a".repeat(15) + "b");
  assert.equal(cutUpper("a".repeat(15) + "\ud7ffx"), "a".repeat(15) + "\ue000");
  assert.equal(cutUpper("a".repeat(15) + "\u{10ffff}x"), "a".repeat(14) + "b");
  assert.equal(cutUpper("\u{10ffff}".repeat(17)), null);
  assert.equal(upperBound("string", "\u{10ffff}".repeat(17)), null);
});

Deno.test("`timestampText` and `dateText` give back what `microsOf` and `dayOf` took", () => {
  const micros = fc.bigInt({ min: -62_000_000_000_000_000n, max: 253_402_300_799_999_999n });
  fc.assert(fc.property(micros, (value) => {
    const text = timestampText(value);
    assert.equal(microsOf(text), value);
    assert.equal(microsOf(text.replace("T", " ")), value);
    assert.equal(dateText(dayOf(text)), text.slice(0, 10));
  }));
  assert.equal(microsOf("2026-01-31T09:30:00.123"), microsOf("2026-01-31T09:30:00.123000Z"));
  assert.equal(dayOf("1969-12-31T23:59:59.999999"), -1);
  assert.throws(() => microsOf("2026-13-01T00:00:00"), RangeError);
});

function inOrder(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0;
}
