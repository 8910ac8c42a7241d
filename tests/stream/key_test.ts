/** Keys and ids: different values never share one, and a key gives its values back. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { hash128, HashPrefix } from "../../lib/stream/hash.ts";
import { keyCells, keyOf } from "../../lib/stream/key.ts";

const cell = fc.oneof(
  fc.constantFrom(null, true, false, 0, 1.5, "", "\0", "\0n1", "1:a", ":", "a"),
  fc.string({ unit: "binary" }),
  fc.integer(),
);

Deno.test("`keyCells` undoes `keyOf`", () => {
  fc.assert(fc.property(fc.array(cell, { maxLength: 4 }), (cells) => {
    const columns = cells.map((_, index) => `c${index}`);
    const row = Object.fromEntries(cells.map((value, index) => [`c${index}`, value]));
    assert.deepEqual(keyCells(keyOf(row, columns), cells.length), cells);
  }));
});

Deno.test("a list or map is no key", () => {
  assert.throws(() => keyOf({ a: ["x"] }, ["a"]), TypeError);
});

Deno.test("hashes of near texts and numbers are all different, and a prefix changes nothing but the hash", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 20_000; i++) {
    seen.add(hash128(`user_${i}`));
    seen.add(new HashPrefix("a").of(`user_${i}`, 0));
    seen.add(new HashPrefix("a").of("user", i + 1));
    seen.add(new HashPrefix("a").of("user", (i + 1) * 60_000_000));
  }
  assert.equal(seen.size, 80_000);
  assert.match(hash128(""), /^[0-9a-f]{32}$/);
});
