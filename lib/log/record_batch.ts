/**
 * How records of one partition are framed as one blob: encode, decode, and nothing else.
 *
 *   magic u32 | length u32 | crc32 u32 | count u32 | header sets | records            (little endian)
 *   header sets: number u32, then each as length u32 + JSON; most records of a batch share one
 *   record: received_at f64 | header set u32 | key length i32 | value length i32 | key | value     (-1: null)
 *
 * The frame knows its own length and checksum, so that a cut or flipped one is seen before anything is believed. Offsets
 * are not in it: whoever stores the frame gives the first record its offset, the others follow without gaps. Text is
 * stored as UTF-8, so a lone surrogate in a key becomes U+FFFD, as it would on the wire to a broker.
 */
import { crc32 } from "node:zlib";
import { Fault } from "../errors.ts";
import { keyBytes } from "./key_bytes.ts";
import type { LogRecord } from "./log.ts";

/** What a frame keeps of a record. */
export interface FramedRecord {
  key: string | null;
  value: Uint8Array | null;
  headers: Readonly<Record<string, string>>;
  received_at: number;
}

type Headers = Readonly<Record<string, string>>;

const MAGIC = 0x3142524d; // "MRB1"
const FRAME_HEADER_BYTES = 16;
const RECORD_HEADER_BYTES = 20;
const CHECKED_FROM = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes that a record counts for against limits and queues: key, value, headers, and its place in the frame. */
export function recordBytes(record: FramedRecord): number {
  let bytes = RECORD_HEADER_BYTES + (record.value?.length ?? 0) + (record.key?.length ?? 0);
  for (const name in record.headers) bytes += name.length + record.headers[name].length;
  return bytes;
}

export function totalBytes(records: readonly FramedRecord[]): number {
  return records.reduce((sum, record) => sum + recordBytes(record), 0);
}

/** Frames `records`, at least one. The answer is a view that begins at byte 0 of its own buffer. */
export function encodeBatch(records: readonly FramedRecord[]): Uint8Array<ArrayBuffer> {
  const sets = new HeaderSets();
  const setOf = records.map((record) => sets.indexOf(record.headers));
  let room = FRAME_HEADER_BYTES + sets.bytes;
  for (const { key, value } of records) {
    room += RECORD_HEADER_BYTES + (key?.length ?? 0) * 3 + (value?.length ?? 0);
  }
  const bytes = new Uint8Array(room);
  const view = new DataView(bytes.buffer);
  let at = sets.write(bytes, view, FRAME_HEADER_BYTES);
  records.forEach((record, i) => at = writeRecord(bytes, view, at, record, setOf[i]));
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, at, true);
  view.setUint32(12, records.length, true);
  view.setUint32(8, crc32(bytes.subarray(CHECKED_FROM, at)), true);
  return bytes.subarray(0, at);
}

function writeRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  record: FramedRecord,
  set: number,
): number {
  const { key, value } = record;
  view.setFloat64(at, record.received_at, true);
  view.setUint32(at + 8, set, true);
  view.setInt32(at + 16, value === null ? -1 : value.length, true);
  let end = at + RECORD_HEADER_BYTES;
  if (key === null) view.setInt32(at + 12, -1, true);
  else {
    const written = keyBytes(key);
    view.setInt32(at + 12, written.length, true);
    bytes.set(written, end);
    end += written.length;
  }
  if (value !== null) {
    bytes.set(value, end);
    end += value.length;
  }
  return end;
}

/** The distinct headers of a batch in order of first use; the same object or the same text is the same set. */
class HeaderSets {
  bytes = 4;
  readonly #byObject = new Map<Headers, number>();
  readonly #byText = new Map<string, number>();
  readonly #encoded: Uint8Array[] = [];

  indexOf(headers: Headers): number {
    const known = this.#byObject.get(headers);
    if (known !== undefined) return known;
    const text = JSON.stringify(headers);
    let index = this.#byText.get(text);
    if (index === undefined) {
      index = this.#encoded.length;
      const encoded = encoder.encode(text);
      this.#encoded.push(encoded);
      this.#byText.set(text, index);
      this.bytes += 4 + encoded.length;
    }
    this.#byObject.set(headers, index);
    return index;
  }

  write(bytes: Uint8Array, view: DataView, at: number): number {
    view.setUint32(at, this.#encoded.length, true);
    at += 4;
    for (const encoded of this.#encoded) {
      view.setUint32(at, encoded.length, true);
      bytes.set(encoded, at + 4);
      at += 4 + encoded.length;
    }
    return at;
  }
}

/**
 * The records of a frame, whose first has offset `base_offset`. Values are views into `bytes`, headers are shared.
 * Rejects a frame that is not whole with Fault "log_damaged".
 */
export function decodeBatch(bytes: Uint8Array, partition: number, base_offset: number): LogRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const damage = damageOf(bytes, view);
  if (damage !== null) throw damaged(partition, base_offset, damage);
  const sets: Headers[] = [];
  let at = FRAME_HEADER_BYTES + 4;
  for (let left = view.getUint32(FRAME_HEADER_BYTES, true); left > 0; left--) {
    const length = view.getUint32(at, true);
    // The text is our own, under the checksum: an object of strings.
    sets.push(JSON.parse(decoder.decode(bytes.subarray(at + 4, at + 4 + length))) as Headers);
    at += 4 + length;
  }
  const count = view.getUint32(12, true);
  const records: LogRecord[] = [];
  for (let i = 0; i < count; i++) {
    const keyLength = view.getInt32(at + 12, true);
    const valueLength = view.getInt32(at + 16, true);
    const keyAt = at + RECORD_HEADER_BYTES;
    const valueAt = keyAt + Math.max(keyLength, 0);
    records.push({
      partition,
      offset: base_offset + i,
      key: keyLength < 0 ? null : decoder.decode(bytes.subarray(keyAt, valueAt)),
      value: valueLength < 0 ? null : bytes.subarray(valueAt, valueAt + valueLength),
      headers: sets[view.getUint32(at + 8, true)],
      received_at: view.getFloat64(at, true),
    });
    at = valueAt + Math.max(valueLength, 0);
  }
  return records;
}

/** How many records a frame says it holds, without checking it. */
export function countOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(12, true);
}

function damageOf(bytes: Uint8Array, view: DataView): string | null {
  if (bytes.length < FRAME_HEADER_BYTES + 4) return `it has only ${bytes.length} bytes`;
  if (view.getUint32(0, true) !== MAGIC) return "it does not begin as a batch";
  const length = view.getUint32(4, true);
  if (length !== bytes.length) return `it has ${bytes.length} bytes instead of ${length}`;
  if (crc32(bytes.subarray(CHECKED_FROM)) !== view.getUint32(8, true)) return "its checksum does not match";
  return null;
}

function damaged(partition: number, base_offset: number, why: string): Fault {
  const place = `the batch at offset ${base_offset} of partition ${partition}`;
  return new Fault("log_damaged", `Cannot read ${place}: ${why}`, { blame: "dependency", retry: "never" });
}
