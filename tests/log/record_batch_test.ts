/** A frame gives back what went in, and any cut or flipped one is refused. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Fault } from "../../lib/errors.ts";
import { countOf, decodeBatch, encodeBatch, type FramedRecord } from "../../lib/log/record_batch.ts";

const text = fc.string({ unit: "grapheme" });
const record: fc.Arbitrary<FramedRecord> = fc.record({
  key: fc.option(text),
  value: fc.option(fc.uint8Array()),
  headers: fc.dictionary(text, text, { maxKeys: 3 }),
  received_at: fc.integer({ min: 0, max: 2 ** 45 }),
});

const sample: FramedRecord[] = [
  { key: "a", value: new Uint8Array([1, 2, 3]), headers: { source: "x" }, received_at: 5 },
  { key: null, value: null, headers: {}, received_at: 6 },
  { key: "", value: new Uint8Array(), headers: { source: "x" }, received_at: 7 },
];

function isDamage(error: unknown): boolean {
  return error instanceof Fault && error.code === "log_damaged" && error.retry === "never";
}

Deno.test("decodeBatch gives back what encodeBatch took", () => {
  fc.assert(fc.property(
    fc.array(record, { minLength: 1, maxLength: 20 }),
    fc.nat(2 ** 40),
    (records, base) => {
      const frame = encodeBatch(records);
      assert.equal(countOf(frame), records.length);
      const decoded = decodeBatch(frame, 3, base);
      assert.deepEqual(
        decoded.map((one) => ({ ...one, headers: { ...one.headers } })),
        records.map((one, i) => ({
          partition: 3,
          offset: base + i,
          ...one,
          headers: JSON.parse(JSON.stringify(one.headers)),
        })),
      );
    },
  ));
});

Deno.test("decodeBatch keeps a key's byte order mark: the key tells the partition", () => {
  const one = { key: "\ufeffuser", value: new Uint8Array([1]), headers: {}, received_at: 1 };
  assert.equal(decodeBatch(encodeBatch([one]), 0, 0)[0].key, one.key);
});

Deno.test("encodeBatch stores equal headers once", () => {
  const headers = () => ({ source: "stripe", kind: "transaction", content_type: "application/json" });
  const one = encodeBatch([{ key: null, value: null, headers: headers(), received_at: 0 }]);
  const many = encodeBatch(
    Array.from({ length: 100 }, () => ({ key: null, value: null, headers: headers(), received_at: 0 })),
  );
  assert.equal(many.length - one.length, 99 * 20);
});

Deno.test("encodeBatch keeps keys such as __proto__ as data", () => {
  const headers = JSON.parse('{"__proto__":"p","constructor":"c"}');
  const [decoded] = decodeBatch(
    encodeBatch([{ key: "__proto__", value: null, headers, received_at: 0 }]),
    0,
    0,
  );
  assert.deepEqual(Object.entries(decoded.headers), [["__proto__", "p"], ["constructor", "c"]]);
});

Deno.test("decodeBatch refuses a frame cut at any length", () => {
  const frame = encodeBatch(sample);
  for (let length = 0; length < frame.length; length++) {
    assert.throws(() => decodeBatch(frame.slice(0, length), 0, 0), isDamage, `cut to ${length}`);
  }
  assert.throws(() => decodeBatch(new Uint8Array([...frame, 0]), 0, 0), isDamage);
});

Deno.test("decodeBatch refuses a frame with any bit flipped", () => {
  const frame = encodeBatch(sample);
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const flipped = frame.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => decodeBatch(flipped, 0, 0), isDamage, `bit ${bit}`);
  }
});

Deno.test("decodeBatch reads a frame that stands inside a larger buffer", () => {
  const frame = encodeBatch(sample);
  const larger = new Uint8Array(frame.length + 20);
  larger.set(frame, 7);
  const decoded = decodeBatch(larger.subarray(7, 7 + frame.length), 0, 10);
  assert.deepEqual(decoded.map((one) => one.offset), [10, 11, 12]);
  assert.deepEqual(decoded[0].value, new Uint8Array([1, 2, 3]));
});
