/** The bytes of a key are those of the platform's encoder, whatever its length and alphabet. */
import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { keyBytes } from "../../lib/log/key_bytes.ts";

const expected = (key: string) => new TextEncoder().encode(key);

Deno.test("keyBytes gives what the encoder gives", () => {
  const keys = fc.oneof(fc.string({ unit: "binary", maxLength: 400 }), fc.string({ maxLength: 400 }));
  fc.assert(fc.property(keys, (key) => deepStrictEqual(Uint8Array.from(keyBytes(key)), expected(key))));
  for (const key of ["", "\u007f", "\u0080", "a".repeat(256), "a".repeat(257), "a\ud800", "ü".repeat(200)]) {
    deepStrictEqual(Uint8Array.from(keyBytes(key)), expected(key));
  }
});
