/** The log on Kafka: one topic of the broker a topic of ours, appends in groups, reads by pull. */
import { type Clock, elapsedMs, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import { GroupCommit } from "./group_commit.ts";
import { kafkaFault, KafkaLink, type KafkaOptions, REQUEST_TIMEOUT_MS } from "./kafka_link.ts";
import { KafkaProducer } from "./kafka_producer.ts";
import { boundsOf, KafkaReader, offsetOf } from "./kafka_reader.ts";
import type { Bounds, EventLog, LogIdentity, LogRecord, NewRecord, ReadLimits, Topic } from "./log.ts";
import { MAX_QUEUE_BYTES, MAX_RECORD_BYTES } from "./log_limits.ts";
import { topicName } from "./topics.ts";

export interface KafkaLogOptions extends KafkaOptions {
  topic_prefix: string;
  /** Largest record, headers included. */
  max_record_bytes?: number;
  /** Room for appends that wait; beyond it they are refused with Fault "overloaded". */
  max_queue_bytes?: number;
  /** How long an append goes on trying before its outcome is called unknown. */
  append_timeout_ms?: number;
  clock?: Clock;
}

/** What is known of a topic since it was first used. */
interface OpenTopic {
  name: string;
  identity: LogIdentity;
  group: GroupCommit;
  link: KafkaLink;
  checked_at: number;
}

/** How often a reader makes sure that its topic is still the one it was. */
const CHECK_EVERY_MS = 5_000;
/** Connections of readers that were not used for so long are closed. */
const IDLE_READER_MS = 60_000;
const UNKNOWN_TOPIC = 3;
const RETRY_PAUSE_MS = 100;
const PATIENCE_MS = 5_000;

/** Connects at first use, so that a program starts while the brokers are away. */
export class KafkaLog implements EventLog {
  readonly #link: KafkaLink;
  readonly #clock: Clock;
  readonly #topics = new Map<Topic, Promise<OpenTopic>>();
  readonly #idle: KafkaReader[] = [];
  readonly #busy = new Set<KafkaReader>();
  #closed = false;

  constructor(readonly options: KafkaLogOptions) {
    this.#link = new KafkaLink(options);
    this.#clock = options.clock ?? systemClock;
  }

  /** Asks the broker each time, so that a topic that was made again is seen. */
  async identity(topic: Topic): Promise<LogIdentity> {
    return await this.#ask(`identify topic ${this.#name(topic)}`, () => this.#identify(this.#name(topic)));
  }

  async append(topic: Topic, records: readonly NewRecord[]): Promise<number[]> {
    if (records.length === 0) return [];
    return await (await this.#open(topic)).group.append(records);
  }

  async bounds(topic: Topic, partition: number): Promise<Bounds> {
    const { name } = await this.#partition(topic, partition);
    return await this.#ask(
      `ask for the bounds of topic ${name}`,
      () => boundsOf(this.#link, name, partition),
    );
  }

  async read(
    topic: Topic,
    partition: number,
    from: number,
    limits: ReadLimits,
    signal?: AbortSignal,
  ): Promise<LogRecord[]> {
    signal?.throwIfAborted();
    const opened = await this.#partition(topic, partition);
    await this.#checkIdentity(opened);
    const reader = this.#lend(opened.name, partition, from);
    const reading = reader.read(from, limits, signal).finally(() => this.#takeBack(reader));
    try {
      return await orAborted(reading, signal);
    } catch (error) {
      // A topic that was made again has other offsets: say that rather than that ours are not in it.
      if (error instanceof Fault) await this.#checkIdentity(opened, 0);
      throw error;
    }
  }

  /** The broker's own retention acts. */
  trim(): Promise<void> {
    return Promise.resolve();
  }

  /** The first offset whose record the broker got at `time_ms` or later. */
  async offsetAt(topic: Topic, partition: number, time_ms: number): Promise<number> {
    const { name } = await this.#partition(topic, partition);
    return await this.#ask(`look for a time in topic ${name}`, async () => {
      const found = await offsetOf(this.#link, name, partition, time_ms);
      return found < 0 ? (await boundsOf(this.#link, name, partition)).end : found;
    });
  }

  /** Answers every append first. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Questions under way end at once; appends have their answers first.
    await this.#link.drop();
    for (const opening of await Promise.allSettled(this.#topics.values())) {
      if (opening.status === "rejected") continue;
      await opening.value.group.settled();
      await opening.value.link.drop();
    }
    for (const reader of [...this.#idle, ...this.#busy]) await reader[Symbol.asyncDispose]();
  }

  #name(topic: Topic): string {
    return topicName(this.options.topic_prefix, topic);
  }

  #open(topic: Topic): Promise<OpenTopic> {
    if (this.#closed) return Promise.reject(new TypeError("The log is closed"));
    const known = this.#topics.get(topic);
    if (known) return known;
    const opening = this.#openTopic(topic);
    this.#topics.set(topic, opening);
    // One that failed is tried again at the next use.
    opening.catch(() => this.#topics.delete(topic));
    return opening;
  }

  async #openTopic(topic: Topic): Promise<OpenTopic> {
    const { max_record_bytes, max_queue_bytes, append_timeout_ms } = this.options;
    const name = this.#name(topic);
    const identity = await this.identity(topic);
    const timeout_ms = append_timeout_ms ?? REQUEST_TIMEOUT_MS;
    const link = new KafkaLink({ ...this.options, request_timeout_ms: timeout_ms });
    const group = new GroupCommit(new KafkaProducer(link, name, timeout_ms, this.#clock).commit, {
      partitions: identity.partitions,
      max_record_bytes: max_record_bytes ?? MAX_RECORD_BYTES,
      max_queue_bytes: max_queue_bytes ?? MAX_QUEUE_BYTES,
      max_commits: 1,
    });
    return { name, identity, group, link, checked_at: this.#clock.now() };
  }

  async #partition(topic: Topic, partition: number): Promise<OpenTopic> {
    const opened = await this.#open(topic);
    if (partition >= 0 && partition < opened.identity.partitions) return opened;
    throw new RangeError(`Topic ${opened.name} has no partition ${partition}`);
  }

  async #identify(name: string): Promise<LogIdentity> {
    const { cluster_id, topics } = await this.#link.metadata([name]);
    const found = topics.find((one) => one.name === name);
    if (found && found.error === 0) {
      return { id: `${cluster_id}/${found.id}`, partitions: found.partitions };
    }
    const why = found?.error === UNKNOWN_TOPIC
      ? "the broker has no such topic"
      : `error code ${found?.error}`;
    throw new Fault("topic_missing", `Cannot use topic ${name}: ${why}`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }

  async #checkIdentity(opened: OpenTopic, every_ms = CHECK_EVERY_MS): Promise<void> {
    if (elapsedMs(opened.checked_at, this.#clock.now()) < every_ms) return;
    const { id, partitions } = await this.#ask(
      `identify topic ${opened.name}`,
      () => this.#identify(opened.name),
    );
    opened.checked_at = this.#clock.now();
    const { identity } = opened;
    if (id === identity.id && partitions === identity.partitions) return;
    const seen = id === identity.id
      ? `it has ${partitions} partitions and had ${identity.partitions}`
      : `it was made again (${id} instead of ${identity.id})`;
    throw new Fault("log_changed", `Cannot read topic ${opened.name}: ${seen}`, {
      blame: "dependency",
      retry: "never",
    });
  }

  /** Asks over the shared connection, and again over a new one while leaders move or connections break. */
  async #ask<T>(doing: string, question: () => Promise<T>): Promise<T> {
    const patience_ms = Math.min(this.options.append_timeout_ms ?? PATIENCE_MS, PATIENCE_MS);
    const deadline = this.#clock.now() + patience_ms;
    for (;;) {
      try {
        return await question();
      } catch (error) {
        const fault = kafkaFault(doing, error);
        if (fault === error) throw fault;
        await this.#link.drop();
        if (fault.retry === "never" || this.#closed || this.#clock.now() > deadline) throw fault;
        await this.#clock.sleep(RETRY_PAUSE_MS);
      }
    }
  }

  #lend(name: string, partition: number, from: number): KafkaReader {
    const fitting = this.#idle.filter((one) => one.topic === name && one.partition === partition);
    const reader = fitting.find((one) => one.ahead_from === from) ?? fitting.at(0) ??
      new KafkaReader(this.options, name, partition, this.#clock);
    if (fitting.includes(reader)) this.#idle.splice(this.#idle.indexOf(reader), 1);
    this.#busy.add(reader);
    return reader;
  }

  async #takeBack(reader: KafkaReader): Promise<void> {
    this.#busy.delete(reader);
    if (this.#closed) return;
    reader.used_at = this.#clock.now();
    this.#idle.push(reader);
    const old = this.#idle.filter((one) => reader.used_at - one.used_at > IDLE_READER_MS);
    for (const one of old) {
      this.#idle.splice(this.#idle.indexOf(one), 1);
      await one[Symbol.asyncDispose]();
    }
  }
}

/** What `promise` says, or the signal's reason if that comes first. */
async function orAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  // The loser of the race is nobody's any more.
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
