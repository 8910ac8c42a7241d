/** Kafka's record batches: what we write is read back, and what others write is understood or refused, never guessed. */
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { Fault } from "../../lib/errors.ts";
import { crc32c } from "../../lib/log/crc32c.ts";
import {
  decodeKafkaBatches,
  encodeKafkaBatch,
  MAX_HEADER_BYTES,
  type ProducerMark,
} from "../../lib/log/kafka_batch.ts";
import { WireReader, WireWriter } from "../../lib/log/kafka_wire.ts";
import type { NewRecord } from "../../lib/log/log.ts";
import { record as sample, textOf } from "../contracts/log_contract.ts";

const MARK: ProducerMark = { producer_id: 7, epoch: 1, sequence: 40 };
const text = fc.string({ unit: "grapheme" });
const record: fc.Arbitrary<NewRecord> = fc.record({
  partition: fc.constant(3),
  key: fc.option(text),
  value: fc.uint8Array({ maxLength: 300 }),
  headers: fc.dictionary(text.filter((name) => name !== "received_at"), text, { maxKeys: 3 }),
  received_at: fc.integer({ min: 0, max: 2 ** 45 }),
});

/** A batch as a broker would have placed it, with other attributes and other bytes after the head. */
function rebuilt(batch: Uint8Array, base: number, attributes = 0, body = batch.slice(61)): Uint8Array {
  const bytes = new Uint8Array(61 + body.length);
  bytes.set(batch.subarray(0, 61));
  bytes.set(body, 61);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(base));
  view.setInt32(8, bytes.length - 12);
  view.setInt16(21, attributes);
  view.setUint32(17, crc32c(bytes, 21));
  return bytes;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const writer = new WireWriter();
  parts.forEach((part) => writer.raw(part));
  return writer.bytes;
}

function batchOf(base: number, texts: readonly string[], attributes = 0, producer_id = 7): Uint8Array {
  const batch = encodeKafkaBatch(texts.map((one) => sample(one)), { ...MARK, producer_id });
  return rebuilt(batch, base, attributes);
}

Deno.test("crc32c gives the value of the standard's check", () => {
  assert.equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array()), 0);
});

Deno.test("WireReader gives back every number that WireWriter took", () => {
  fc.assert(fc.property(
    fc.array(fc.maxSafeInteger().filter((n) => Math.abs(n) < 2 ** 51)),
    (numbers) => {
      const writer = new WireWriter(1);
      for (const number of numbers) writer.varint(number).int64(number).uvarint(Math.abs(number));
      const reader = new WireReader(writer.bytes);
      for (const number of numbers) {
        assert.deepEqual([reader.varint(), reader.int64(), reader.uvarint()], [
          number,
          number,
          Math.abs(number),
        ]);
      }
      assert.equal(reader.left, 0);
      assert.throws(() => reader.int8(), RangeError);
    },
  ));
});

Deno.test("decodeKafkaBatches gives back what encodeKafkaBatch took", () => {
  fc.assert(fc.property(
    fc.array(record, { minLength: 1, maxLength: 20 }),
    fc.nat(2 ** 40),
    (records, base) => {
      const { records: read, next } = decodeKafkaBatches(
        rebuilt(encodeKafkaBatch(records, MARK), base),
        3,
        base,
      );
      assert.equal(next, base + records.length);
      assert.deepEqual(
        read.map((one) => ({ ...one, value: new Uint8Array(one.value!) })),
        records.map((one, i) => ({
          ...one,
          headers: Object.fromEntries(Object.entries(one.headers)),
          offset: base + i,
        })),
      );
    },
  ));
});

Deno.test("decodeKafkaBatches keeps a key's byte order mark, and a header's", () => {
  const headers = { source: "\ufeffsource" };
  const one = { key: "\ufeffuser", value: new Uint8Array([1]), headers, received_at: 1 };
  const [read] =
    decodeKafkaBatches(rebuilt(encodeKafkaBatch([{ partition: 0, ...one }], MARK), 0), 0, 0).records;
  assert.deepEqual([read.key, read.headers.source], [one.key, headers.source]);
});

Deno.test("decodeKafkaBatches cuts headers where all of a record's become too large, whichever they are", () => {
  const long = "x".repeat(MAX_HEADER_BYTES);
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`ce-${i}`, "many"]));
  for (const headers of [{ source: "shop", long, kind: "lost" }, { [long + long]: "name" }, many]) {
    const made = encodeKafkaBatch([{
      partition: 0,
      key: null,
      value: new Uint8Array(),
      headers,
      received_at: 7,
    }], MARK);
    const [read] = decodeKafkaBatches(rebuilt(made, 0), 0, 0).records;
    assert.ok(Object.entries(read.headers).flat().join("").length <= MAX_HEADER_BYTES);
    assert.equal(read.headers.source, "source" in headers ? "shop" : undefined);
  }
});

Deno.test("decodeKafkaBatches begins at the offset asked for, and leaves a cut batch for the next fetch", () => {
  const bytes = joined(batchOf(10, ["a", "b", "c"]), batchOf(20, ["d"]), batchOf(21, ["e"]));
  const whole = decodeKafkaBatches(bytes, 0, 11);
  assert.deepEqual(whole.records.map((one) => [one.offset, textOf(one)]), [
    [11, "b"],
    [12, "c"],
    [20, "d"],
    [21, "e"],
  ]);
  assert.equal(whole.next, 22);
  for (const cut of [1, 30, 61, 70]) {
    assert.equal(decodeKafkaBatches(bytes.slice(0, bytes.length - cut), 0, 11).next, 21);
  }
  assert.deepEqual(decodeKafkaBatches(new Uint8Array(), 0, 5), { records: [], next: 5 });
});

Deno.test("decodeKafkaBatches refuses a batch with any bit of its checked part flipped", () => {
  const bytes = batchOf(0, ["a", "b"]);
  for (let bit = 17 * 8; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(
      () => decodeKafkaBatches(flipped, 0, 0),
      (error) => error instanceof Fault && error.code === "log_damaged" && error.retry === "never",
      `bit ${bit}`,
    );
  }
});

Deno.test("decodeKafkaBatches unpacks what was packed, and refuses what is not what it says", () => {
  const plain = batchOf(0, ["a", "b"]);
  const body = plain.slice(61);
  for (const [codec, packed] of [[1, gzipSync(body)], [4, zstdCompressSync(body)]] as const) {
    const { records } = decodeKafkaBatches(rebuilt(plain, 0, codec, packed), 0, 0);
    assert.deepEqual(records.map(textOf), ["a", "b"]);
  }
  for (const codec of [1, 2, 3, 4, 5]) {
    assert.throws(() => decodeKafkaBatches(rebuilt(plain, 0, codec, body), 0, 0), /cannot be unpacked/);
  }
});

Deno.test("decodeKafkaBatches leaves out control records and aborted transactions, and reads on behind them", () => {
  const TRANSACTIONAL = 0x10;
  const CONTROL = 0x30;
  const bytes = joined(
    batchOf(0, ["a1"], TRANSACTIONAL, 1),
    batchOf(1, ["b1"], TRANSACTIONAL, 2),
    batchOf(2, ["plain"], 0, 3),
    batchOf(3, ["a2"], TRANSACTIONAL, 1),
    batchOf(4, ["abort a"], CONTROL, 1),
    batchOf(5, ["commit b"], CONTROL, 2),
    batchOf(6, ["a3"], TRANSACTIONAL, 1),
    batchOf(7, ["commit a"], CONTROL, 1),
  );
  const { records, next } = decodeKafkaBatches(bytes, 0, 0, [{ producer_id: 1, first_offset: 0 }]);
  assert.deepEqual(records.map(textOf), ["b1", "plain", "a3"]);
  assert.equal(next, 8);
});

Deno.test("a record of another program gets the broker's time, and its headers keep their order", () => {
  for (const absurd of ["not a number", "999999999999999", "1969-12-31T23:59:59Z"]) foreignRecord(absurd);
});

Deno.test("a record of another program may say its time in milliseconds or as RFC 3339", () => {
  for (const said of ["1795995726113", "2026-11-29T23:42:06.113Z", "2026-11-30T00:42:06.113+01:00"]) {
    foreignRecord(said, 1_795_995_726_113);
  }
});

function foreignRecord(received_at: string, said?: number): void {
  const LOG_APPEND_TIME = 0x08;
  const writer = new WireWriter();
  const entries: [string, string][] = [["kind", "x"], ["received_at", received_at], ["source", "y"]];
  const body = new WireWriter().int8(0).varint(5).varint(0).varint(-1).varint(-1).varint(entries.length);
  const encoder = new TextEncoder();
  for (const [name, value] of entries) {
    body.varintBytes(encoder.encode(name)).varintBytes(encoder.encode(value));
  }
  writer.varint(body.length).raw(body.bytes);
  const head = encodeKafkaBatch([sample("", 0, { received_at: 1000 })], MARK);
  new DataView(head.buffer).setBigInt64(35, 9000n);
  for (const [attributes, wanted] of [[0, 1005], [LOG_APPEND_TIME, 9000]]) {
    const [read] = decodeKafkaBatches(rebuilt(head, 0, attributes, writer.bytes), 0, 0).records;
    assert.deepEqual(read, {
      partition: 0,
      offset: 0,
      key: null,
      value: null,
      headers: { kind: "x", source: "y" },
      received_at: said ?? wanted,
    });
  }
}
