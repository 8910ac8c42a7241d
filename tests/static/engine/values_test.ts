import assert from "node:assert/strict";
import fc from "fast-check";
import { cellText, decimalText, hex, shortestFloat } from "../../../static/engine/values.ts";
import { readableError } from "../../../static/engine/engine_error.ts";

/** A whole number as four little-endian 32-bit words, two's complement. */
function words(value: bigint): number[] {
  const bits = BigInt.asUintN(128, value);
  return [0, 1, 2, 3].map((at) => Number((bits >> BigInt(32 * at)) & 0xffffffffn));
}

Deno.test("`decimalText` keeps every digit and the scale", () => {
  assert.equal(decimalText(words(-500n), 4), "-0.0500");
  assert.equal(decimalText(words(123456n), 2), "1234.56");
  assert.equal(decimalText(words(0n), 4), "0.0000");
  assert.equal(decimalText(words(-7n), 0), "-7");
  const big = 10n ** 38n - 1n;
  assert.equal(decimalText(words(-big), 0), String(-big));
});

Deno.test("`decimalText` reads back as the number that was written", () => {
  const unscaled = fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n });
  fc.assert(fc.property(unscaled, fc.integer({ min: 0, max: 20 }), (value, scale) => {
    const text = decimalText(words(value), scale);
    assert.equal(BigInt(text.replace(".", "")), value);
    if (scale > 0) assert.equal(text.split(".")[1].length, scale);
  }));
});

Deno.test("`cellText` shows nested values in one line and hides nothing", () => {
  assert.equal(cellText([1, null, "b"]), "[1, NULL, b]");
  assert.equal(cellText({ entries: [["k", ["v", 2n]], ["n", null]] }), "{k: [v, 2], n: NULL}");
  assert.equal(cellText(new Uint8Array([0, 255])), "\\x00ff");
  assert.equal(hex(new Uint8Array([1, 171])), "01ab");
});

Deno.test("`readableError` takes the sentence out of what the engine says as JSON", () => {
  const said =
    '{"exception_type":"Parser","exception_message":"syntax error at or near \\"selec\\"\\n\\nLINE 1: selec 1\\n        ^","position":"0"}';
  assert.equal(
    readableError(new Error(said)).message,
    'Parser Error: syntax error at or near "selec"\n\nLINE 1: selec 1\n        ^',
  );
  assert.equal(readableError(new Error("Error: Binder Error: x")).message, "Binder Error: x");
  assert.equal(readableError('{"exception_type" broken').message, '{"exception_type" broken');
});

const LEAST_NORMAL = 2 ** -126;

Deno.test("`shortestFloat` keeps the negative zero", () => {
  assert.equal(shortestFloat(-0), -0);
});

Deno.test("`shortestFloat` has the fewest digits that are the same 32-bit float", () => {
  const said = [0.1, -2.3, 3.4028235e38, 16777216, 1.1754944e-38, 0, Infinity, NaN];
  for (const value of said) assert.equal(shortestFloat(Math.fround(value)), value);
  fc.assert(fc.property(fc.float(), (value) => {
    const short = shortestFloat(value);
    assert.equal(Math.fround(short), value);
    if (!Number.isFinite(value) || Math.abs(value) < LEAST_NORMAL) return;
    const digits = short.toExponential().replace(/^-|e.*$|\./g, "").length;
    for (let fewer = 1; fewer < digits; fewer++) {
      assert.notEqual(Math.fround(Number(value.toPrecision(fewer))), value, `${fewer} digits are enough`);
    }
  }));
});
