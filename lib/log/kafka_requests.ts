/**
 * The requests that we frame ourselves, because the client library has no pull read, no topic ids, and no say over
 * sequence numbers: Produce v7, Fetch v11, Metadata v10. Every broker from Kafka 2.8 on answers them.
 */
import { Buffer } from "node:buffer";
import type { AbortedTransaction } from "./kafka_batch.ts";
import { WireReader, WireWriter } from "./kafka_wire.ts";

/** A request as the library's connection takes it. */
export interface WireRequest<T> {
  request: {
    apiKey: number;
    apiVersion: number;
    apiName: string;
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
  };
  response: { decode(payload: Uint8Array): Promise<T>; parse(decoded: T): Promise<T> };
}

export interface ProducedPartition {
  partition: number;
  error: number;
  base_offset: number;
}

export interface FetchedPartition {
  error: number;
  high_watermark: number;
  log_start: number;
  aborted: AbortedTransaction[];
  batches: Uint8Array;
}

export interface TopicMetadata {
  name: string;
  error: number;
  /** 32 hex digits; another topic of the same name has another id. */
  id: string;
  partitions: number;
}

/** Stores one batch a partition of one topic, on all in-sync replicas. */
export function produceRequest(
  topic: string,
  batches: ReadonlyMap<number, Uint8Array>,
  timeout_ms: number,
): WireRequest<ProducedPartition[]> {
  const encode = () => {
    let expected = 100 + topic.length;
    for (const batch of batches.values()) expected += batch.length + 8;
    const writer = new WireWriter(expected);
    writer.string(null).int16(-1).int32(timeout_ms).int32(1).string(topic).int32(batches.size);
    for (const [partition, batch] of batches) writer.int32(partition).int32(batch.length).raw(batch);
    return writer;
  };
  return wireRequest(0, 7, "Produce", encode, (reader) =>
    reader.array(() => {
      reader.string();
      return reader.array(() => {
        const answer = { partition: reader.int32(), error: reader.int16(), base_offset: reader.int64() };
        reader.raw(16);
        return answer;
      });
    }).flat());
}

export interface FetchPlace {
  topic: string;
  partition: number;
  from: number;
  max_bytes: number;
  wait_ms: number;
}

/** Whole batches from an offset on, once there is any byte or the time is over; committed transactions only. */
export function fetchRequest(place: FetchPlace): WireRequest<FetchedPartition> {
  const { topic, partition, from, max_bytes, wait_ms } = place;
  const encode = () => {
    const writer = new WireWriter().int32(-1).int32(wait_ms).int32(1).int32(max_bytes).int8(1).int32(0).int32(
      -1,
    );
    writer.int32(1).string(topic).int32(1);
    writer.int32(partition).int32(-1).int64(from).int64(-1).int32(max_bytes);
    return writer.int32(0).string("");
  };
  return wireRequest(1, 11, "Fetch", encode, (reader) => {
    reader.int32();
    const error = reader.int16();
    reader.int32();
    const fetched = reader.array(() => {
      reader.string();
      return reader.array(() => fetchedPartition(reader));
    }).flat().at(0);
    const nothing = { error, high_watermark: -1, log_start: -1, aborted: [], batches: new Uint8Array() };
    return fetched && error === 0 ? fetched : nothing;
  });
}

function fetchedPartition(reader: WireReader): FetchedPartition {
  reader.int32();
  const error = reader.int16();
  const high_watermark = reader.int64();
  reader.int64();
  const log_start = reader.int64();
  const aborted = reader.array(() => ({ producer_id: reader.int64(), first_offset: reader.int64() }));
  reader.int32();
  const batches = reader.raw(Math.max(reader.int32(), 0));
  return { error, high_watermark, log_start, aborted, batches };
}

/** Which cluster this is, and which topics stand behind the names. */
export function metadataRequest(
  topics: readonly string[],
): WireRequest<{ cluster_id: string; topics: TopicMetadata[] }> {
  const encode = () => {
    const writer = new WireWriter().uvarint(0).uvarint(topics.length + 1);
    for (const topic of topics) {
      const name = new TextEncoder().encode(topic);
      writer.raw(new Uint8Array(16)).uvarint(name.length + 1).raw(name).uvarint(0);
    }
    return writer.int8(0).int8(0).int8(0).uvarint(0);
  };
  return wireRequest(3, 10, "Metadata", encode, (reader) => {
    reader.tags();
    reader.int32();
    reader.compactArray(() => {
      reader.int32();
      reader.compactString();
      reader.int32();
      reader.compactString();
      reader.tags();
    });
    const cluster_id = reader.compactString();
    reader.int32();
    return { cluster_id, topics: reader.compactArray(() => topicMetadata(reader)) };
  });
}

function topicMetadata(reader: WireReader): TopicMetadata {
  const error = reader.int16();
  const name = reader.compactString();
  const id = Array.from(reader.raw(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  reader.int8();
  const partitions = reader.compactArray(() => {
    reader.raw(2 + 4 + 4 + 4);
    for (let lists = 3; lists > 0; lists--) reader.compactArray(() => reader.int32());
    reader.tags();
  }).length;
  reader.int32();
  reader.tags();
  return { name, error, id, partitions };
}

function wireRequest<T>(
  apiKey: number,
  apiVersion: number,
  apiName: string,
  encode: () => WireWriter,
  decode: (reader: WireReader) => T,
): WireRequest<T> {
  return {
    request: {
      apiKey,
      apiVersion,
      apiName,
      encode: () => {
        const { bytes } = encode();
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        return Promise.resolve({ buf: buffer, buffer });
      },
    },
    response: {
      decode: (payload) => Promise.resolve(decode(new WireReader(payload))),
      parse: (decoded) => Promise.resolve(decoded),
    },
  };
}
