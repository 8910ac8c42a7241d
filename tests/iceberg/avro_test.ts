/** Avro container files: what was written is read, and what others write (codec null, negative counts) too. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import avsc from "avsc";
import fc from "fast-check";
import { type AvroSchema, type AvroValue, decodeAvro, encodeAvro } from "../../lib/iceberg/avro.ts";

const SCHEMA: AvroSchema = {
  type: "record",
  name: "row",
  fields: [
    { name: "id", type: "long" },
    { name: "small", type: "int" },
    { name: "flag", type: "boolean" },
    { name: "ratio", type: "double" },
    { name: "text", type: ["null", "string"], default: null },
    { name: "raw", type: "bytes" },
    {
      name: "pairs",
      type: {
        type: "array",
        items: {
          type: "record",
          name: "pair",
          fields: [{ name: "key", type: "int" }, { name: "value", type: "bytes" }],
        },
      },
    },
    { name: "more", type: { type: "map", values: "string" } },
  ],
};

const bytes = fc.uint8Array({ maxLength: 40 });
const row = fc.record({
  id: fc.maxSafeInteger(),
  small: fc.integer(),
  flag: fc.boolean(),
  ratio: fc.double({ noNaN: true }),
  text: fc.option(fc.string({ unit: "binary" })),
  raw: bytes,
  pairs: fc.array(fc.record({ key: fc.nat(), value: bytes }), { maxLength: 4 }),
  more: fc.dictionary(fc.string(), fc.string()),
});

Deno.test("`encodeAvro` writes what `decodeAvro` reads", () => {
  fc.assert(fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
    const file = decodeAvro(encodeAvro(SCHEMA, rows, { own: "key" }));
    assert.deepEqual(file.schema, SCHEMA);
    assert.equal(file.metadata.own, "key");
    assert.deepEqual(file.records.map(plain), rows.map(plain));
  }));
});

/** The other library rounds longs near 2^53, and takes text as UTF-8 only. */
const modest = row.map((one) => ({ ...one, id: one.id % 2 ** 50, text: one.text?.toWellFormed() ?? null }));

Deno.test("`encodeAvro` writes what an independent reader reads", async () => {
  const rows = fc.sample(modest, { numRuns: 1500, seed: 7 });
  const decoder = new avsc.streams.BlockDecoder();
  const read: unknown[] = [];
  decoder.on("data", (one) => read.push(one));
  const ended = new Promise((resolve) => decoder.on("end", resolve));
  decoder.end(Buffer.from(encodeAvro(SCHEMA, rows, {})));
  await ended;
  assert.deepEqual(read.map(plain), rows.map(plain));
});

Deno.test("`decodeAvro` reads what an independent writer wrote, deflated or not", async () => {
  const rows = fc.sample(modest, { numRuns: 300, seed: 8 });
  for (const codec of ["null", "deflate"] as const) {
    const encoder = new avsc.streams.BlockEncoder(avsc.Type.forSchema(SCHEMA as avsc.Schema), {
      codec,
      blockSize: 500,
    });
    const chunks: Uint8Array[] = [];
    encoder.on("data", (chunk) => chunks.push(chunk));
    const ended = new Promise((resolve) => encoder.on("end", resolve));
    for (const one of rows) encoder.write(forAvsc(one));
    encoder.end();
    await ended;
    assert.deepEqual(decodeAvro(Buffer.concat(chunks)).records.map(plain), rows.map(plain));
  }
});

Deno.test("`encodeAvro` gives the same bytes for the same records", () => {
  const rows = fc.sample(row, { numRuns: 10, seed: 9 });
  assert.deepEqual(encodeAvro(SCHEMA, rows, {}), encodeAvro(SCHEMA, rows, {}));
});

Deno.test("`decodeAvro` refuses a file that is cut anywhere but between blocks", () => {
  const whole = encodeAvro(SCHEMA, fc.sample(row, { numRuns: 30, seed: 10 }), {});
  const head = encodeAvro(SCHEMA, [], {}).length;
  for (let end = 0; end < whole.length; end++) {
    if (end !== head) assert.throws(() => decodeAvro(whole.subarray(0, end)), RangeError);
  }
});

Deno.test("`decodeAvro` refuses a long that JavaScript would round", () => {
  const schema: AvroSchema = { type: "record", name: "r", fields: [{ name: "n", type: "long" }] };
  const bytes = encodeAvro(schema, [{ n: Number.MAX_SAFE_INTEGER }], {});
  assert.deepEqual(decodeAvro(bytes).records, [{ n: Number.MAX_SAFE_INTEGER }]);
  assert.throws(() => encodeAvro(schema, [{ n: 2 ** 53 }], {}), RangeError);
});

/** Buffers and other kinds of byte arrays, made comparable. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value].join();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value).map(([key, one]) => [key, plain(one)]);
}

function forAvsc(value: AvroValue): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(forAvsc);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, forAvsc(one)]));
}
