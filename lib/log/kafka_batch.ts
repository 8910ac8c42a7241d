/**
 * Kafka's record batch (magic 2): our records into one batch, and the batches of a fetch into records.
 *
 *   base offset i64 | length i32 | leader epoch i32 | magic i8 | crc32c u32 | attributes i16 | last delta i32 |
 *   first time i64 | max time i64 | producer id i64 | producer epoch i16 | sequence i32 | count i32 | records
 *
 * Log time travels in the header `received_at` (milliseconds since 1970, or RFC 3339); a record of another program that
 * has none gets the time that the broker gave it. Control records, and records of transactions that were aborted, are
 * nobody's business and left out.
 */
import { Fault, messageOf } from "../errors.ts";
import { MAX_TIME_MS, writtenTime } from "../written_time.ts";
import { crc32c } from "./crc32c.ts";
import { keyBytes } from "./key_bytes.ts";
import { WireReader, WireWriter } from "./kafka_wire.ts";
import type { LogRecord, NewRecord } from "./log.ts";
import { unpack } from "./unpack.ts";

/** Which producer a batch comes from, so that the broker can tell a repetition from a new batch. */
export interface ProducerMark {
  producer_id: number;
  epoch: number;
  /** Sequence number of the batch's first record. */
  sequence: number;
}

/** What a fetch brought of one partition. */
export interface FetchedBatches {
  records: LogRecord[];
  /** Where to read on: beyond the last whole batch, also when all in it was left out. */
  next: number;
}

export interface AbortedTransaction {
  producer_id: number;
  first_offset: number;
}

const TIME_HEADER = "received_at";
/** As long as a time is written: `2026-01-31T09:30:00.123456789+01:00`. */
const MAX_TIME_BYTES = 35;
/** Of a record's names and values; what another program writes beyond is cut, for they become cells of a row. */
export const MAX_HEADER_BYTES = 64 * 1024;
const BATCH_HEADER_BYTES = 61;
/** Where the length counts from, and the checksum. */
const LENGTH_FROM = 12;
const CHECKED_FROM = 21;
const MAGIC = 2;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const timeHeader = encoder.encode(TIME_HEADER);

/** Bytes that a record may take in a batch beyond what `recordBytes` counts, its share of the batch's head included. */
export const RECORD_OVERHEAD_BYTES = 128;

export function encodeKafkaBatch(records: readonly NewRecord[], mark: ProducerMark): Uint8Array<ArrayBuffer> {
  let expected = BATCH_HEADER_BYTES;
  for (const { value, key } of records) expected += value.length + (key?.length ?? 0) + 128;
  const writer = new WireWriter(expected);
  const first_ms = records[0].received_at;
  const max_ms = records.reduce((max, { received_at }) => Math.max(max, received_at), first_ms);
  writer.int64(0).int32(0).int32(-1).int8(MAGIC).int32(0).int16(0).int32(records.length - 1);
  writer.int64(first_ms).int64(max_ms).int64(mark.producer_id).int16(mark.epoch).int32(mark.sequence);
  writer.int32(records.length);
  const headersOf = new HeaderCache();
  const timeOf = new TimeMemory();
  records.forEach((record, i) => {
    const { received_at, headers } = record;
    const place = { delta: i, delta_ms: received_at - first_ms };
    writeRecord(writer, record, place, headersOf.get(headers), timeOf.get(received_at));
  });
  writer.int32At(8, writer.length - LENGTH_FROM);
  writer.int32At(17, crc32c(writer.bytes, CHECKED_FROM) | 0);
  return writer.bytes;
}

function writeRecord(
  writer: WireWriter,
  record: NewRecord,
  { delta, delta_ms }: { delta: number; delta_ms: number },
  headers: Uint8Array,
  time: Uint8Array,
): void {
  const key = record.key === null ? null : keyBytes(record.key);
  const length = 1 + varintBytes(delta_ms) + varintBytes(delta) + varintBytes(key?.length ?? -1) +
    (key?.length ?? 0) + varintBytes(record.value.length) + record.value.length + headers.length + 1 +
    time.length;
  writer.varint(length).int8(0).varint(delta_ms).varint(delta);
  writer.varintBytes(key).varintBytes(record.value).raw(headers).varintBytes(time);
}

function varintBytes(value: number): number {
  let left = value < 0 ? -2 * value - 1 : 2 * value;
  let bytes = 1;
  for (; left > 127; bytes++) left = Math.floor(left / 128);
  return bytes;
}

/** A log time as text; records of one request share theirs. */
class TimeMemory {
  #time = NaN;
  #bytes = new Uint8Array();

  get(time: number): Uint8Array {
    if (time !== this.#time) [this.#time, this.#bytes] = [time, encoder.encode(String(time))];
    return this.#bytes;
  }
}

/** The headers as they stand in a record, up to the value of `received_at`; most records of a batch share one. */
class HeaderCache {
  readonly #encoded = new Map<NewRecord["headers"], Uint8Array>();

  get(headers: NewRecord["headers"]): Uint8Array {
    const known = this.#encoded.get(headers);
    if (known) return known;
    const entries = Object.entries(headers);
    const writer = new WireWriter();
    writer.varint(entries.length + 1);
    for (const [name, text] of entries) {
      writer.varintBytes(encoder.encode(name)).varintBytes(encoder.encode(text));
    }
    writer.varintBytes(timeHeader);
    this.#encoded.set(headers, writer.bytes);
    return writer.bytes;
  }
}

/** Reads whole batches; the cut one at the end, which a broker may send, is left for the next fetch. */
export function decodeKafkaBatches(
  bytes: Uint8Array,
  partition: number,
  from: number,
  aborted: readonly AbortedTransaction[] = [],
): FetchedBatches {
  const reader = new WireReader(bytes);
  const transactions = new AbortedTransactions(aborted);
  const records: LogRecord[] = [];
  let next = from;
  while (reader.left >= BATCH_HEADER_BYTES) {
    const base_offset = reader.int64();
    const length = reader.int32();
    if (reader.left < length) break;
    const batch = readBatch(reader.raw(length), partition, base_offset);
    next = Math.max(next, base_offset + batch.last_delta + 1);
    if (!transactions.drop(batch)) {
      for (const record of batch.records()) if (record.offset >= from) records.push(record);
    }
  }
  return { records, next };
}

interface Batch {
  base_offset: number;
  last_delta: number;
  producer_id: number;
  is_transactional: boolean;
  is_control: boolean;
  records(): LogRecord[];
}

function readBatch(bytes: Uint8Array, partition: number, base_offset: number): Batch {
  const refuse = (why: string) => unreadable(partition, base_offset, why);
  const reader = new WireReader(bytes);
  reader.int32();
  const magic = reader.int8();
  if (magic !== MAGIC) throw refuse(`its format ${magic} is not known`);
  const crc = reader.uint32();
  // The 12 bytes before are cut off here.
  if (crc32c(bytes, CHECKED_FROM - LENGTH_FROM) !== crc) throw refuse("its checksum does not match");
  const attributes = reader.int16();
  const last_delta = reader.int32();
  const [first_ms, max_ms, producer_id] = [reader.int64(), reader.int64(), reader.int64()];
  reader.raw(6);
  const count = reader.int32();
  const appended_ms = attributes & LOG_APPEND_TIME ? max_ms : null;
  return {
    base_offset,
    last_delta,
    producer_id,
    is_transactional: (attributes & TRANSACTIONAL) !== 0,
    is_control: (attributes & CONTROL) !== 0,
    records() {
      const body = new WireReader(unpacked(reader.raw(reader.left), attributes & 7, refuse));
      const headersOf = new HeaderMemory();
      return Array.from({ length: count }, () => {
        body.varint();
        body.int8();
        const broker_ms = appended_ms ?? first_ms + body.varint();
        if (appended_ms !== null) body.varint();
        const offset = base_offset + body.varint();
        const key = body.varintBytes();
        const value = body.varintBytes();
        const { headers, received_at } = headersOf.read(body);
        const text = key === null ? null : decoder.decode(key);
        return { partition, offset, key: text, value, headers, received_at: received_at ?? sane(broker_ms) };
      });
    },
  };
}

/** Reads headers; those that stand as in the record before, `received_at` last, are taken over without parsing. */
class HeaderMemory {
  #bytes: Uint8Array = new Uint8Array();
  #headers: LogRecord["headers"] = {};

  read(reader: WireReader): { headers: LogRecord["headers"]; received_at: number | null } {
    if (this.#bytes.length > 0 && startsWith(reader, this.#bytes)) {
      reader.raw(this.#bytes.length);
      return { headers: this.#headers, received_at: timeOf(reader.varintBytes()) };
    }
    const start = reader.at;
    const entries: [string, string][] = [];
    let received_at: number | null = null;
    let room = MAX_HEADER_BYTES;
    this.#bytes = new Uint8Array();
    for (let left = reader.varint(); left > 0; left--) {
      const nameBytes = reader.varintBytes() ?? new Uint8Array();
      const nameEnd = reader.at;
      const value = reader.varintBytes() ?? new Uint8Array();
      room -= nameBytes.length;
      if (room < 0) continue;
      const name = decoder.decode(nameBytes);
      if (name !== TIME_HEADER) {
        entries.push([name, decoder.decode(value.subarray(0, room))]);
        room -= value.length;
      } else {
        received_at = timeOf(value);
        if (left === 1) this.#bytes = reader.bytes.subarray(start, nameEnd);
      }
    }
    this.#headers = Object.fromEntries(entries);
    return { headers: this.#headers, received_at };
  }
}

function startsWith(reader: WireReader, bytes: Uint8Array): boolean {
  if (reader.left < bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) if (reader.bytes[reader.at + i] !== bytes[i]) return false;
  return true;
}

function timeOf(value: Uint8Array | null): number | null {
  if (value === null || value.length > MAX_TIME_BYTES) return null;
  const text = decoder.decode(value);
  // We write milliseconds; another program may write what the API answers.
  const time_ms = /^\d{1,15}$/.test(text) ? Number(text) : writtenTime(text) ?? -1;
  return time_ms >= 0 && time_ms <= MAX_TIME_MS ? time_ms : null;
}

/** Of whatever another program wrote, a time that a table can hold. */
function sane(time_ms: number): number {
  return Math.min(Math.max(time_ms, 0), MAX_TIME_MS);
}

function unpacked(bytes: Uint8Array, codec: number, refuse: (why: string) => Fault): Uint8Array {
  try {
    return unpack(codec, bytes);
  } catch (cause) {
    throw refuse(`it cannot be unpacked: ${messageOf(cause)}`);
  }
}

/** Follows the batches of a fetch in order, and says which belong to transactions that were aborted. */
class AbortedTransactions {
  readonly #ahead: AbortedTransaction[];
  readonly #open = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = [...aborted].sort((a, b) => a.first_offset - b.first_offset);
  }

  drop(batch: Batch): boolean {
    while (this.#ahead.length > 0 && this.#ahead[0].first_offset <= batch.base_offset + batch.last_delta) {
      this.#open.add(this.#ahead.shift()!.producer_id);
    }
    if (batch.is_control) this.#open.delete(batch.producer_id);
    return batch.is_control || (batch.is_transactional && this.#open.has(batch.producer_id));
  }
}

function unreadable(partition: number, base_offset: number, why: string): Fault {
  const place = `the batch at offset ${base_offset} of partition ${partition}`;
  return new Fault("log_damaged", `Cannot read ${place}: ${why}`, { blame: "dependency", retry: "never" });
}
