/** Names of topics, and which partition a key belongs to: the same on both logs. */
import { keyBytes } from "./key_bytes.ts";
import type { Topic } from "./log.ts";

export const TOPICS: readonly Topic[] = ["events", "alerts", "aggregates", "dead_letters"];

/** The broker's name of a topic. */
export function topicName(prefix: string, topic: Topic): string {
  return prefix + topic;
}

/** Kafka's own placement (murmur2 of the key), so that records written by any client meet their siblings. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(keyBytes(key)) & 0x7fffffff) % partitions;
}

/** Kafka's murmur2 (seed 0x9747b28c) over bytes, as a signed 32-bit integer. */
export function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  const length = data.length;
  let h = 0x9747b28c ^ length;
  const words = length >> 2;
  for (let i = 0; i < words; i++) {
    const at = i << 2;
    let k = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m);
    h ^= k;
  }
  const tail = words << 2;
  switch (length & 3) {
    case 3:
      h ^= data[tail + 2] << 16;
    // deno-lint-ignore no-fallthrough
    case 2:
      h ^= data[tail + 1] << 8;
    case 1:
      h ^= data[tail];
      h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  h ^= h >>> 15;
  return h | 0;
}
