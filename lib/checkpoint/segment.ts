/**
 * The container of what a checkpoint names: all rows of all tables and the changed state, as one object.
 *
 *   [ part ][ part ] ... [ index: JSON ][ length of the index: u32 ][ magic: 8 bytes ]
 *
 * A part is one or more zstd frames, read by itself with a byte range. The index holds each part's place, row count and
 * sha256; the checkpoint holds the sha256 of the index, so whatever is cut or flipped is seen before it counts.
 */
import { hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { z } from "zod";
import { Fault } from "../errors.ts";
import type { Row } from "../event/column.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { compressed, FrameWriter } from "./frames.ts";
import { concatenate } from "./state_lines.ts";

const MAGIC = "MRSEGM01";
const FOOTER_BYTES = 12;

const Part = z.object({
  /** A table (`raw.events`), or `state:<what>`; a large state is several parts, one after the other. */
  name: z.string(),
  rows: z.number().int(),
  /**
   * How many changes of the table's columns its rows know (event/column_change.ts): the publisher maps them by field id.
   * Segments from before columns could change do not say it.
   */
  schema_version: z.number().int().default(0),
  /** The day on which all its rows lie in their table; null: on several, or nobody noted it. */
  day: z.string().nullable().default(null),
  /** Before compression; 0: nobody noted it. */
  text_bytes: z.number().int().default(0),
  /** No row is longer, before compression; 0: nobody noted it. */
  longest_row_bytes: z.number().int().default(0),
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
  rows: number;
  day: string | null;
  frames: FrameWriter;
}

type Body = Omit<SegmentPart, "start" | "size_bytes" | "sha256"> & { bytes: Uint8Array };

/** Characters of a timestamp cell that are its day. */
const DAY_CHARACTERS = 10;

/** Gathers rows as NDJSON while they are made, and compresses them as it goes, so that memory stays flat. */
export class SegmentWriter {
  /** By table and version. */
  readonly #parts = new Map<string, OpenPart>();
  readonly #states: Body[] = [];
  #characters = 0;

  /** Characters gathered so far: what the checkpoint's size limit looks at. */
  get characters(): number {
    return this.#characters;
  }

  /**
   * Adds a row, and answers with its text, so that whoever needs it elsewhere does not write it again. `time` is the cell
   * whose day divides the table, null where none does.
   */
  add(table: string, row: Row, schema_version: number, time: string | null = null): string {
    const key = schema_version === 0 ? table : `${table} ${schema_version}`;
    let entry = this.#parts.get(key);
    if (!entry) this.#parts.set(key, entry = openPart(table, schema_version, time));
    if (entry.day !== null && !time?.startsWith(entry.day)) entry.day = null;
    const text = JSON.stringify(row);
    entry.frames.line(text);
    entry.rows++;
    this.#characters += text.length + 1;
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
    if (bytes.length === 0) return;
    this.#states.push({
      name: `state:${name}`,
      rows: 0,
      schema_version: 0,
      day: null,
      text_bytes: bytes.length,
      longest_row_bytes: 0,
      bytes: compressed(bytes),
    });
  }

  /** The finished object and the hash of its index. */
  finish(range: SegmentRange, states: Readonly<Record<string, Uint8Array>> = {}): FinishedSegment {
    for (const [name, bytes] of Object.entries(states)) this.addState(name, bytes);
    const bodies: Body[] = [];
    for (const { frames, ...part } of this.#parts.values()) {
      const bytes = frames.finish();
      const { text_bytes, longest_line_bytes: longest_row_bytes } = frames;
      bodies.push({ ...part, text_bytes, longest_row_bytes, bytes });
    }
    return assemble(range, [...bodies, ...this.#states]);
  }
}

function openPart(name: string, schema_version: number, time: string | null): OpenPart {
  const day = time?.slice(0, DAY_CHARACTERS) ?? null;
  return { name, schema_version, rows: 0, day, frames: new FrameWriter() };
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
  const parts = bodies.map(({ bytes, ...about }) => {
    const part = { ...about, start, size_bytes: bytes.length, sha256: hash("sha256", bytes, "hex") };
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
    bytes: concatenate([...bodies.map((body) => body.bytes), text, footer]),
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
