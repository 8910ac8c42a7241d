/** An HMAC of ours is that of node:crypto, whatever the pieces and however they were laid before. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { hmacKey, hmacSha256 } from "../../lib/source/signature.ts";

const encoder = new TextEncoder();

Deno.test("hmacSha256 gives what node:crypto gives, for bodies of any length one after the other", () => {
  // Around a block of the hash and around the room that small messages share; a short one after each long one.
  for (const length of [0, 1, 52, 53, 64, 600, 16_309, 16_310, 16_384, 70_000, 3]) {
    const body = Uint8Array.from({ length }, (_, at) => (at * 31) & 0xff);
    for (const secret of ["whsec_short", "k".repeat(64), "longer than a block ".repeat(5)]) {
      const expected = createHmac("sha256", secret).update("1700000000.").update("ä€😀").update(body).digest(
        "hex",
      );
      const digest = hmacSha256(hmacKey(encoder.encode(secret)), "1700000000.", "ä€😀", body);
      assert.equal(digest.toHex(), expected, `${length} bytes under ${secret.length} characters`);
    }
  }
});

Deno.test("hmacSha256 gives digests of their own, which a later call does not change", () => {
  const key = hmacKey(encoder.encode("secret"));
  const first = hmacSha256(key, "a");
  const copy = first.toHex();
  hmacSha256(key, "b");
  assert.equal(first.toHex(), copy);
});
