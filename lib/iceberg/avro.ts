/**
 * Avro object container files, as much of them as Iceberg needs, in both directions.
 *
 *   Obj 01 | metadata: map of bytes (avro.schema, avro.codec, own keys) | sync | { count | bytes | block | sync }*
 *
 * A schema is compiled to a pair of functions once a file. Longs are JavaScript numbers and must be safe integers.
 * Writing the same records gives the same bytes: the sync marker is a hash of the header.
 */
import { hash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { AvroReader, AvroWriter } from "./avro_bytes.ts";

export type AvroValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly AvroValue[]
  | AvroRecord;
export interface AvroRecord {
  readonly [field: string]: AvroValue;
}

export interface AvroField {
  name: string;
  type: AvroSchema;
  default?: unknown;
  "field-id"?: number;
}

export type AvroSchema =
  | string
  | readonly AvroSchema[]
  | { type: "record"; name: string; fields: readonly AvroField[] }
  | { type: "array"; items: AvroSchema; "element-id"?: number; logicalType?: string }
  | { type: "map"; values: AvroSchema }
  | { type: "fixed"; name: string; size: number }
  | { type: "enum"; name: string; symbols: readonly string[] }
  | { type: string; logicalType?: string };

export interface AvroFile {
  /** The writer's schema. */
  schema: AvroSchema;
  /** The header's keys other than avro.schema and avro.codec. */
  metadata: Record<string, string>;
  records: AvroValue[];
}

const MAGIC = [0x4f, 0x62, 0x6a, 0x01];
const SYNC_BYTES = 16;
const BLOCK_RECORDS = 1000;

/** Writes records of one schema, deflated, in blocks of 1,000. */
export function encodeAvro(
  schema: AvroSchema,
  records: readonly AvroValue[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header = new AvroWriter();
  const entries = Object.entries({
    "avro.schema": JSON.stringify(schema),
    "avro.codec": "deflate",
    ...metadata,
  });
  header.long(entries.length);
  for (const [key, value] of entries) {
    header.string(key);
    header.string(value);
  }
  header.long(0);
  const head = header.finish();
  const sync = hash("sha256", head, "buffer").subarray(0, SYNC_BYTES);
  const out = new AvroWriter();
  out.raw(new Uint8Array(MAGIC));
  out.raw(head);
  out.raw(sync);
  const { write } = compile(schema, new Map());
  for (let start = 0; start < records.length; start += BLOCK_RECORDS) {
    const block = new AvroWriter();
    const slice = records.slice(start, start + BLOCK_RECORDS);
    for (const record of slice) write(record, block);
    out.long(slice.length);
    out.bytes(deflateRawSync(block.finish()));
    out.raw(sync);
  }
  return out.finish();
}

/** Reads a whole container file, written by anybody with codec null or deflate. */
export function decodeAvro(bytes: Uint8Array): AvroFile {
  const source = new AvroReader(bytes);
  if (source.raw(4).some((byte, i) => byte !== MAGIC[i])) {
    throw new RangeError("Cannot read Avro: not a container file");
  }
  const decoder = new TextDecoder();
  const header = readBlocks(source, () => [source.string(), decoder.decode(source.bytes())] as const);
  const { "avro.schema": text, "avro.codec": codec = "null", ...metadata } = Object.fromEntries(header);
  if (codec !== "null" && codec !== "deflate") throw new RangeError(`Cannot read Avro: codec ${codec}`);
  const sync = source.raw(SYNC_BYTES);
  const schema: AvroSchema = JSON.parse(text);
  const { read } = compile(schema, new Map());
  const records: AvroValue[] = [];
  while (!source.done) {
    const count = source.long();
    const stored = source.bytes();
    const block = new AvroReader(codec === "deflate" ? new Uint8Array(inflateRawSync(stored)) : stored);
    for (let i = 0; i < count; i++) records.push(read(block));
    if (source.raw(SYNC_BYTES).some((byte, i) => byte !== sync[i])) {
      throw new RangeError("Cannot read Avro: a block does not end in the sync marker");
    }
  }
  return { schema, metadata, records };
}

interface Codec {
  write(value: AvroValue, out: AvroWriter): void;
  read(source: AvroReader): AvroValue;
}

const PRIMITIVES: Readonly<Record<string, Codec>> = {
  null: { write: () => {}, read: () => null },
  boolean: { write: (value, out) => out.boolean(value === true), read: (source) => source.boolean() },
  int: { write: (value, out) => out.long(Number(value)), read: (source) => source.long() },
  long: { write: (value, out) => out.long(Number(value)), read: (source) => source.long() },
  float: { write: (value, out) => out.float(Number(value)), read: (source) => source.float() },
  double: { write: (value, out) => out.double(Number(value)), read: (source) => source.double() },
  string: { write: (value, out) => out.string(String(value)), read: (source) => source.string() },
  bytes: { write: (value, out) => out.bytes(bytesOf(value)), read: (source) => source.bytes() },
};

/** `named` holds the records, fixed and enums met so far: later mentions are by name. */
function compile(schema: AvroSchema, named: Map<string, Codec>): Codec {
  if (typeof schema === "string") {
    const codec = PRIMITIVES[schema] ?? named.get(schema);
    if (!codec) throw new RangeError(`Cannot read Avro schema: unknown type ${schema}`);
    return codec;
  }
  if (isUnion(schema)) return unionCodec(schema, named);
  if ("fields" in schema) return recordCodec(schema, named);
  if ("items" in schema) return arrayCodec(compile(schema.items, named));
  if ("values" in schema) return mapCodec(compile(schema.values, named));
  if ("size" in schema) {
    const { size } = schema;
    const codec: Codec = {
      write: (value, out) => out.raw(bytesOf(value)),
      read: (source) => source.raw(size),
    };
    named.set(schema.name, codec);
    return codec;
  }
  if ("symbols" in schema) {
    const { symbols } = schema;
    const codec: Codec = {
      write: (value, out) => out.long(symbols.indexOf(String(value))),
      read: (source) => symbols[source.long()],
    };
    named.set(schema.name, codec);
    return codec;
  }
  return compile(schema.type, named);
}

function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema);
}

/** Writing knows unions of null and one type only: Iceberg has no others. */
function unionCodec(branches: readonly AvroSchema[], named: Map<string, Codec>): Codec {
  const codecs = branches.map((branch) => compile(branch, named));
  const nothing = branches.indexOf("null");
  const something = branches.findIndex((branch) => branch !== "null");
  return {
    write(value, out) {
      const branch = value === null ? nothing : something;
      if (branch < 0) throw new RangeError("Cannot write Avro: no branch of the union takes null");
      out.long(branch);
      codecs[branch].write(value, out);
    },
    read: (source) => codecs[source.long()].read(source),
  };
}

function recordCodec(
  schema: { name: string; fields: readonly AvroField[] },
  named: Map<string, Codec>,
): Codec {
  const fields: (Codec & { name: string })[] = [];
  const codec: Codec = {
    write(value, out) {
      const record = recordOf(value);
      for (const field of fields) field.write(record[field.name] ?? null, out);
    },
    read: (source) => Object.fromEntries(fields.map((field) => [field.name, field.read(source)])),
  };
  named.set(schema.name, codec);
  for (const field of schema.fields) {
    const { write, read } = compile(field.type, named);
    fields.push({ name: field.name, write, read });
  }
  return codec;
}

function arrayCodec(item: Codec): Codec {
  return {
    write(value, out) {
      if (!Array.isArray(value)) throw new RangeError("Cannot write Avro: an array is due");
      if (value.length > 0) out.long(value.length);
      for (const one of value) item.write(one, out);
      out.long(0);
    },
    read: (source) => readBlocks(source, () => item.read(source)),
  };
}

function mapCodec(entry: Codec): Codec {
  return {
    write(value, out) {
      const entries = Object.entries(recordOf(value));
      if (entries.length > 0) out.long(entries.length);
      for (const [key, one] of entries) {
        out.string(key);
        entry.write(one, out);
      }
      out.long(0);
    },
    read: (source) =>
      Object.fromEntries(readBlocks(source, () => [source.string(), entry.read(source)] as const)),
  };
}

/** Arrays and maps come in blocks; a negative count is followed by the block's size in bytes. */
function readBlocks<T>(source: AvroReader, one: () => T): T[] {
  const all: T[] = [];
  for (let count = source.long(); count !== 0; count = source.long()) {
    if (count < 0) source.long();
    for (let i = 0; i < Math.abs(count); i++) all.push(one());
  }
  return all;
}

function bytesOf(value: AvroValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new RangeError("Cannot write Avro: bytes are due");
  return value;
}

function recordOf(value: AvroValue): AvroRecord {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || Array.isArray(value)) {
    throw new RangeError("Cannot write Avro: a record is due");
  }
  return value as AvroRecord;
}
