/** LZ4, Snappy and zstd as other programs write them; the first two were made by hand after the formats' own descriptions. */
import assert from "node:assert/strict";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { MAX_UNPACKED_BYTES, unpack } from "../../lib/log/unpack.ts";

const [SNAPPY, LZ4, ZSTD] = [2, 3, 4];
const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
  );
const text = (unpacked: Uint8Array) => new TextDecoder().decode(unpacked);

/** A frame of independent blocks without checksums, from blocks with their lengths. */
function lz4Frame(flags: number, ...rest: (string | number[])[]): Uint8Array {
  return bytes([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0x82], ...rest, [0, 0, 0, 0]);
}

Deno.test("unpack reads LZ4: literals, copies, copies over themselves, raw blocks, long lengths", () => {
  // "abcabcabcabc" + "xyzzy": 3 literals, a copy of 9 from 3 back, then 5 literals at the end.
  const block = bytes([0x35], "abc", [3, 0], [0x50], "xyzzy");
  const frame = lz4Frame(0x60, [block.length, 0, 0, 0], [...block], [3, 0, 0, 0x80], "raw");
  assert.equal(text(unpack(LZ4, frame)), "abcabcabcabcxyzzyraw");
  const long = "l".repeat(15 + 255 + 3);
  const literals = bytes([0xf0, 255, 3], long);
  const longFrame = lz4Frame(0x60, [literals.length & 255, literals.length >> 8, 0, 0], [...literals]);
  assert.equal(text(unpack(LZ4, longFrame)), long);
  const run = bytes([0x1f], "a", [1, 0, 255, 10], [0x10], "b");
  assert.equal(text(unpack(LZ4, lz4Frame(0x60, [run.length, 0, 0, 0], [...run]))), "a".repeat(1 + 284) + "b");
});

Deno.test("unpack reads LZ4 with checksums, content size, and blocks that reach back", () => {
  const second = bytes([0x00, 4, 0], [0x10], "!");
  const size = [8, 0, 0, 0, 0, 0, 0, 0];
  const frame = bytes(
    [0x04, 0x22, 0x4d, 0x18, 0x5c, 0x40, ...size, 0x00],
    [4, 0, 0, 0x80],
    "abcd",
    [1, 2, 3, 4],
    [second.length, 0, 0, 0],
    [...second],
    [1, 2, 3, 4],
    [0, 0, 0, 0],
    [9, 9, 9, 9],
  );
  assert.equal(text(unpack(LZ4, frame)), "abcdabcd!");
});

Deno.test("unpack reads Snappy: literals, the three copies, plain and in Java's stream", () => {
  // "abcd" literal, copy of 4 from 4 (one byte), of 2 from 8 (two bytes), of 3 from 1 (four bytes).
  const plain = bytes([13, 0x0c], "abcd", [0x01, 4], [0x06, 8, 0], [0x0b, 1, 0, 0, 0]);
  assert.equal(text(unpack(SNAPPY, plain)), "abcdabcdabbbb");
  const long = "s".repeat(70);
  const literal = bytes([70, 60 << 2, 69], long);
  assert.equal(text(unpack(SNAPPY, literal)), long);
  const stream = bytes(
    [0x82],
    "SNAPPY",
    [0, 0, 0, 0, 1, 0, 0, 0, 1],
    [0, 0, 0, plain.length],
    [...plain],
    [0, 0, 0, literal.length],
    [...literal],
  );
  assert.equal(text(unpack(SNAPPY, stream)), "abcdabcdabbbb" + long);
});

Deno.test("unpack refuses what is cut, reaches before the beginning, or lies about its length", () => {
  const block = bytes([0x35], "abc", [3, 0], [0x50], "xyzzy");
  const frame = lz4Frame(0x60, [block.length, 0, 0, 0], [...block]);
  for (let length = 0; length < frame.length; length++) {
    assert.throws(() => unpack(LZ4, frame.slice(0, length)), RangeError, `LZ4 cut to ${length}`);
  }
  assert.throws(() => unpack(LZ4, lz4Frame(0x60, [4, 0, 0, 0], [0x10, 97, 2, 0])), RangeError);
  assert.throws(() => unpack(LZ4, lz4Frame(0x61)), /dictionary/);
  const plain = bytes([6, 0x0c], "abcd", [0x06, 4, 0]);
  assert.equal(text(unpack(SNAPPY, plain)), "abcdab");
  for (let length = 0; length < plain.length; length++) {
    assert.throws(() => unpack(SNAPPY, plain.slice(0, length)), RangeError, `Snappy cut to ${length}`);
  }
  assert.throws(() => unpack(SNAPPY, bytes([6, 0x0c], "abcd", [0x06, 5, 0])), RangeError);
});

Deno.test("unpack refuses a batch that unpacks to too much", () => {
  const packed = gzipSync(new Uint8Array(MAX_UNPACKED_BYTES + 1), { level: 1 });
  assert.throws(() => unpack(1, packed), RangeError);
});

Deno.test("unpack reads all frames of zstd, with checksums or not, past what is to be skipped, and no cut one", () => {
  const encoder = new TextEncoder();
  const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const run = zstdCompressSync(encoder.encode("r".repeat(300_000)), checked);
  const parts = [zstdCompressSync(noise), run, zstdCompressSync(encoder.encode("the last"))];
  const skipped = bytes([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0], "you");
  const packed = bytes(...[parts[0], skipped, parts[1], parts[2]].map((part) => [...part]));
  const unpacked = unpack(ZSTD, packed);
  assert.equal(unpacked.length, 60_000 + 300_000 + 8);
  assert.deepEqual(unpacked.slice(0, 60_000), noise);
  assert.equal(text(unpacked.slice(60_000)), "r".repeat(300_000) + "the last");
  for (let length = 1; length < run.length; length++) {
    assert.throws(() => unpack(ZSTD, run.subarray(0, length)), RangeError, `of ${length} bytes`);
  }
  assert.throws(() => unpack(ZSTD, bytes([...run], "junk")), RangeError);
});
