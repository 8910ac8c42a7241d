/**
 * Reads one partition of a Kafka topic by pull, over a connection of its own: a fetch that waits on an idle partition
 * holds up nobody else. What a fetch brought beyond the limits of a read is kept for the next one.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import { decodeKafkaBatches } from "./kafka_batch.ts";
import { BrokerError, kafkaFault, KafkaLink, type KafkaOptions, reasonOf } from "./kafka_link.ts";
import { fetchRequest } from "./kafka_requests.ts";
import type { Bounds, LogRecord, ReadLimits } from "./log.ts";
import { recordBytes } from "./record_batch.ts";

/** Longest wait in one fetch, so that an abort or a moved leader is noticed soon. */
const FETCH_WAIT_MS = 500;
const FETCH_MIN_BYTES = 64 * 1024;
const FETCH_MAX_BYTES = 8 * 1024 * 1024;
const RETRY_PAUSE_MS = 100;
/** How long a read goes on trying while leaders move or connections break. */
const PATIENCE_MS = 5_000;

const READ_COMMITTED = 1;
const EARLIEST = -2;
const LATEST = -1;

export class KafkaReader implements AsyncDisposable {
  readonly #link: KafkaLink;
  #ahead: LogRecord[] = [];
  /** The offset that the first record ahead answers to, also when it has a higher one. */
  #ahead_from = -1;
  used_at = 0;

  constructor(
    options: KafkaOptions,
    readonly topic: string,
    readonly partition: number,
    readonly clock: Clock = systemClock,
  ) {
    this.#link = new KafkaLink(options);
  }

  /** Where a read would go on without fetching. */
  get ahead_from(): number {
    return this.#ahead.length > 0 ? this.#ahead_from : -1;
  }

  async read(from: number, limits: ReadLimits, signal?: AbortSignal): Promise<LogRecord[]> {
    const deadline = this.clock.now() + limits.wait_ms;
    let next = from;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#ahead.length > 0 && this.#ahead_from === next) return this.#take(limits);
      const left_ms = Math.max(deadline - this.clock.now(), 0);
      const fetched = await this.#fetchPatiently(next, limits, Math.min(left_ms, FETCH_WAIT_MS));
      this.#ahead = fetched.records;
      this.#ahead_from = fetched.next === next ? -1 : next;
      if (fetched.records.length > 0) return this.#take(limits);
      // Control records and aborted ones were skipped; nothing at all means to wait on.
      if (fetched.next === next && this.clock.now() >= deadline) return [];
      next = fetched.next;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link.drop();
  }

  #take({ max_records, max_bytes }: ReadLimits): LogRecord[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#ahead.length && count < max_records) {
      bytes += recordBytes(this.#ahead[count]);
      if (count > 0 && bytes > max_bytes) break;
      count++;
    }
    const taken = this.#ahead.slice(0, count);
    this.#ahead = this.#ahead.slice(count);
    this.#ahead_from = taken.at(-1)!.offset + 1;
    return taken;
  }

  async #fetchPatiently(from: number, limits: ReadLimits, wait_ms: number) {
    const patience = this.clock.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.#fetch(from, limits, wait_ms);
      } catch (error) {
        if (error instanceof Fault) throw error;
        if (reasonOf(error) === "OFFSET_OUT_OF_RANGE") throw await this.#outOfRange(from);
        await this.#link.drop();
        const fault = kafkaFault(`read partition ${this.partition} of topic ${this.topic}`, error);
        if (fault.retry === "never" || this.clock.now() > patience) throw fault;
        await this.clock.sleep(RETRY_PAUSE_MS);
      }
    }
  }

  async #fetch(from: number, limits: ReadLimits, wait_ms: number) {
    const { topic, partition } = this;
    const max_bytes = Math.min(Math.max(limits.max_bytes, FETCH_MIN_BYTES), FETCH_MAX_BYTES);
    const broker = await this.#link.leaderOf(topic, partition);
    const request = fetchRequest({ topic, partition, from, max_bytes, wait_ms });
    const { error, batches, aborted } = await broker.connectionPool.send(request);
    if (error !== 0) throw new BrokerError(error, `partition ${partition} of ${topic}`);
    return decodeKafkaBatches(batches, partition, from, aborted);
  }

  async #outOfRange(from: number): Promise<Fault> {
    const { begin, end } = await boundsOf(this.#link, this.topic, this.partition);
    const place = `partition ${this.partition} of topic ${this.topic} from ${from}`;
    const details = { blame: "dependency", retry: "never" } as const;
    if (from < begin) {
      return new Fault("log_truncated", `Cannot read ${place}: the log now begins at ${begin}`, details);
    }
    return new Fault("log_behind", `Cannot read ${place}: the log ends at ${end}`, details);
  }
}

/** What can be read of a partition now. */
export async function boundsOf(link: KafkaLink, topic: string, partition: number): Promise<Bounds> {
  // The oldest first: records that come between the two questions only move the end.
  const begin = await offsetOf(link, topic, partition, EARLIEST);
  return { begin, end: await offsetOf(link, topic, partition, LATEST) };
}

/** The first offset whose record has the broker's time `time_ms` or a later one; -1 for none. */
export async function offsetOf(
  link: KafkaLink,
  topic: string,
  partition: number,
  time_ms: number,
): Promise<number> {
  const broker = await link.leaderOf(topic, partition);
  const { responses } = await broker.listOffsets({
    replicaId: -1,
    isolationLevel: READ_COMMITTED,
    topics: [{ topic, partitions: [{ partition, timestamp: time_ms }] }],
  });
  return Number(responses[0].partitions[0].offset);
}
