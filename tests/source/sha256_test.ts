/** Our SHA-256 is that of node:crypto, and of the standard's own examples. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { absorb, DIGEST_BYTES, finish, startState } from "../../lib/source/sha256.ts";

function digestOf(bytes: Uint8Array, first = 0): string {
  const state = startState();
  const digest = new Uint8Array(DIGEST_BYTES);
  const before = absorb(state, bytes.subarray(0, first));
  finish(state, bytes.subarray(before), before, digest);
  return digest.toHex();
}

Deno.test("SHA-256 of the standard's examples", () => {
  const encoder = new TextEncoder();
  const examples = {
    "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    abc: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  };
  for (const [text, digest] of Object.entries(examples)) assert.equal(digestOf(encoder.encode(text)), digest);
});

Deno.test("SHA-256 of any length, in one piece and in two, is that of node:crypto", () => {
  for (let length = 0; length < 400; length++) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    const expected = hash("sha256", bytes, "hex");
    for (const first of [0, 64, 200]) assert.equal(digestOf(bytes, first), expected, `${length} bytes`);
  }
});
