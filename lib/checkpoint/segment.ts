/**
 * The container of what a checkpoint names: all rows of all tables and the changed state, as one object.
 *
 *   [ part ][ part ] ... [ index: JSON ][ length of the index: u32 ][ magic: 8 bytes ]
 *
 * A part is one or more zstd frames, read by itself with a byte range. The index holds each part's place, row count and
 * sha256; the checkpoint holds the sha256 of the index, so whatever is cut or flipped is seen before it counts.
 */
import { hash } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompressSync } from "node:zlib";
import { z } from "zod";
import { Fault } from "../errors.ts";
import type { Row } from "../event/column.ts";
import type { ObjectStore } from "../store/object_store.ts";

const MAGIC = "MRSEGM01";
const FOOTER_BYTES = 12;
/** Text is compressed in pieces of this size while records still come, so that memory stays flat. */
const FRAME_CHARACTERS = 1 << 20;
const compress = promisify(zstdCompress);
const encoder = new TextEncoder();
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const Part = z.object({
  /** A table (`raw.events`), or `state:<what>`; a large state is several parts, one after the other. */
  name: z.string(),
  rows: z.number().int(),
  /**
   * How many changes of the table's columns its rows know (event/column_change.ts): the publisher maps them by field id.
   * Segments from before columns could change do not say it.
   */
  schema_version: z.number().int().default(0),
  start: z.number().int(),
  size_bytes: z.number().int(),
  sha256: z.string(),
});

const Index = z.object({
  format: z.literal(1),
  partition: z.number().int(),
  first_offset: z.number().int(),
  next_offset: z.number().int(),
  parts: z.array(Part),
});

export type SegmentPart = z.infer<typeof Part>;
export type SegmentIndex = z.infer<typeof Index>;

export interface SegmentRange {
  partition: number;
  first_offset: number;
  next_offset: number;
}

interface OpenPart {
  name: string;
  schema_version: number;
  /** Of the frame that is open. */
  text: string;
  rows: number;
  frames: Promise<Uint8Array>[];
}

type Body = Pick<SegmentPart, "name" | "rows" | "schema_version"> & { bytes: Uint8Array };

/** Gathers rows as NDJSON while they are made, and compresses off the thread as it goes. */
export class SegmentWriter {
  /** By table and version. */
  readonly #parts = new Map<string, OpenPart>();
  readonly #states: { name: string; bytes: Promise<Uint8Array> }[] = [];
  /** Resolves when nothing is being compressed. */
  #turn: Promise<undefined> = Promise.resolve(undefined);
  #characters = 0;

  /** Characters gathered so far: what the checkpoint's size limit looks at. */
  get characters(): number {
    return this.#characters;
  }

  /** Adds a row, and answers with its text, so that whoever needs it elsewhere does not write it again. */
  add(table: string, row: Row, schema_version: number): string {
    const key = schema_version === 0 ? table : `${table} ${schema_version}`;
    let entry = this.#parts.get(key);
    if (!entry) {
      this.#parts.set(key, entry = { name: table, schema_version, text: "", rows: 0, frames: [] });
    }
    const text = JSON.stringify(row);
    entry.text += text + "\n";
    entry.rows++;
    this.#characters += text.length + 1;
    if (entry.text.length >= FRAME_CHARACTERS) this.#closeFrame(entry);
    return text;
  }

  /** Rows by table. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { name, rows } of this.#parts.values()) counts[name] = (counts[name] ?? 0) + rows;
    return counts;
  }

  /** Adds bytes of state under `state:<name>`; what has one name stays in order. Empty ones are left out. */
  addState(name: string, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#states.push({ name: `state:${name}`, bytes: this.#compressed(() => bytes) });
  }

  #closeFrame(entry: OpenPart): void {
    const { text } = entry;
    entry.frames.push(this.#compressed(() => encoder.encode(text)));
    entry.text = "";
  }

  /** One after the other: each takes a thread and its own memory, and there may be sixty at once. */
  #compressed(bytes: () => Uint8Array): Promise<Uint8Array> {
    const made = this.#turn.then(() => compress(bytes(), COMPRESSION));
    this.#turn = made.then(() => undefined, () => undefined);
    return made;
  }

  /** The finished object and the hash of its index. */
  async finish(
    range: SegmentRange,
    states: Readonly<Record<string, Uint8Array>> = {},
  ): Promise<FinishedSegment> {
    const bodies: Body[] = [];
    for (const entry of this.#parts.values()) {
      if (entry.text !== "") this.#closeFrame(entry);
      const { name, rows, schema_version } = entry;
      bodies.push({ name, rows, schema_version, bytes: concat(await Promise.all(entry.frames)) });
    }
    for (const [name, bytes] of Object.entries(states)) this.addState(name, bytes);
    for (const { name, bytes } of this.#states) {
      bodies.push({ name, rows: 0, schema_version: 0, bytes: await bytes });
    }
    return assemble(range, bodies);
  }
}

export interface FinishedSegment {
  bytes: Uint8Array;
  index_sha256: string;
  /** Compressed size of the state parts. */
  state_bytes: number;
}

function assemble(
  range: SegmentRange,
  bodies: readonly Body[],
): FinishedSegment {
  let start = 0;
  const parts = bodies.map(({ name, rows, schema_version, bytes }) => {
    const part = {
      name,
      rows,
      schema_version,
      start,
      size_bytes: bytes.length,
      sha256: hash("sha256", bytes, "hex"),
    };
    start += bytes.length;
    return part;
  });
  const { partition, first_offset, next_offset } = range;
  const index: SegmentIndex = { format: 1, partition, first_offset, next_offset, parts };
  const text = new TextEncoder().encode(JSON.stringify(index));
  const footer = new Uint8Array(FOOTER_BYTES);
  new DataView(footer.buffer).setUint32(0, text.length, true);
  footer.set(new TextEncoder().encode(MAGIC), 4);
  const state_bytes = parts.filter((part) => part.name.startsWith("state:"))
    .reduce((sum, part) => sum + part.size_bytes, 0);
  return {
    bytes: concat([...bodies.map((body) => body.bytes), text, footer]),
    index_sha256: hash("sha256", text, "hex"),
    state_bytes,
  };
}

export interface SegmentReference {
  key: string;
  size_bytes: number;
  index_sha256: string;
}

/** Reads a segment's index, checked against the hash that the checkpoint holds. null: the object does not exist. */
export async function readSegmentIndex(
  store: ObjectStore,
  segment: SegmentReference,
): Promise<SegmentIndex | null> {
  const { key, size_bytes } = segment;
  const footer = await store.read(key, { start: size_bytes - FOOTER_BYTES, end: size_bytes });
  if (footer === null) return null;
  if (footer.length !== FOOTER_BYTES || new TextDecoder().decode(footer.subarray(4)) !== MAGIC) {
    throw damaged(key, "its end is missing");
  }
  const length = new DataView(footer.buffer, footer.byteOffset).getUint32(0, true);
  const end = size_bytes - FOOTER_BYTES;
  const text = await store.read(key, { start: end - length, end });
  if (text === null) return null;
  if (hash("sha256", text, "hex") !== segment.index_sha256) {
    throw damaged(key, "its index does not match its checkpoint");
  }
  return Index.parse(JSON.parse(new TextDecoder().decode(text)));
}

/** A part's bytes as stored (zstd), checked against the index. null: the object is gone. */
export async function readSegmentPart(
  store: ObjectStore,
  key: string,
  part: SegmentPart,
): Promise<Uint8Array | null> {
  const bytes = await store.read(key, { start: part.start, end: part.start + part.size_bytes });
  return bytes === null ? null : checked(key, part, bytes);
}

function checked(key: string, part: SegmentPart, bytes: Uint8Array): Uint8Array {
  if (bytes.length === part.size_bytes && hash("sha256", bytes, "hex") === part.sha256) return bytes;
  throw damaged(key, `part ${part.name} does not match the index`);
}

/** The parts of a state as stored, in order, read at once and checked; none when there are none. null: the object is gone. */
export async function readStateParts(
  store: ObjectStore,
  key: string,
  index: SegmentIndex,
  name: string,
): Promise<Uint8Array[] | null> {
  const parts = index.parts.filter((one) => one.name === `state:${name}`);
  if (parts.length === 0) return [];
  const [start, last] = [parts[0].start, parts[parts.length - 1]];
  const all = await store.read(key, { start, end: last.start + last.size_bytes });
  if (all === null) return null;
  return parts.map((part) =>
    checked(key, part, all.subarray(part.start - start, part.start - start + part.size_bytes))
  );
}

/** One after the other, so that the whole is never held as text. */
export function* decompressed(parts: readonly Uint8Array[]): Generator<Uint8Array, void, void> {
  for (const part of parts) yield new Uint8Array(zstdDecompressSync(part));
}

function damaged(key: string, state: string): Fault {
  return new Fault("segment_damaged", `Cannot read segment ${key}: ${state}`, {
    blame: "dependency",
    retry: "never",
  });
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
