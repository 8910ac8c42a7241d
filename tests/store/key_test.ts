/** Keys: what names an object, and the order that all stores list in. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { checkKey, checkPrefix, compareKeys } from "../../lib/store/key.ts";

Deno.test("`compareKeys` orders as UTF-8 bytes do", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { examples: [["\uFF61", "\u{1F600}"], ["a", "ab"], ["a.b", "a/b"]], numRuns: 2000 },
  );
});

Deno.test("`checkKey` takes what file systems and S3 both hold", () => {
  for (const key of ["a", "a/b", "é/漢", "a b", "...", "a".repeat(255), "é".repeat(127)]) {
    assert.equal(checkKey(key), key);
  }
  const refused = ["", "/", "a//b", "a/./b", "..", "a\0", "a\nb", "\ud800", "a".repeat(256), "é".repeat(128)];
  refused.push(Array(6).fill("a".repeat(200)).join("/"));
  for (const key of refused) assert.throws(() => checkKey(key), RangeError, key);
});

Deno.test("`checkPrefix` takes every beginning of a key, and nothing that climbs", () => {
  for (const prefix of ["", "a", "a/", "a/b/", "a/.", "."]) assert.equal(checkPrefix(prefix), prefix);
  for (const prefix of ["/", "/a", "a//", "../", "a/../b", "./a"]) {
    assert.throws(() => checkPrefix(prefix), RangeError, prefix);
  }
});
