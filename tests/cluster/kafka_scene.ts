/** A real broker for the tests of one file, with topics of its own for each test. */
import type { Kafka } from "kafkajs";
import { Fault } from "../../lib/errors.ts";
import { KafkaLog } from "../../lib/log/kafka_log.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { topicName, TOPICS } from "../../lib/log/topics.ts";
import type { LogUnderTest } from "../contracts/log_contract.ts";
import { atLast } from "./at_last.ts";
import { KAFKA_VERSION, type KafkaBroker, startKafkaBroker } from "./kafka_broker.ts";

export let broker: KafkaBroker;
export let kafka: Kafka;
let version = KAFKA_VERSION;
let prefixes = 0;
/** A busy machine may need a while for what an idle one does at once. */
const APPEND_MS = 60_000;

/** Another version of the broker than ours, for all tests of a file. */
export function useVersion(other: string): void {
  version = other;
}

Deno.test.beforeAll(async () => {
  broker = await startKafkaBroker({ version });
  kafka = broker.client();
});

Deno.test.afterAll(() => broker[Symbol.asyncDispose]());

/** Topics that nobody used before. */
export function newPrefix(): string {
  return `t${prefixes++}.`;
}

export async function openUnderTest(): Promise<LogUnderTest> {
  const topic_prefix = `t${prefixes++}.`;
  const plan = { topic_prefix, partitions: 3, replication: 1, retention_ms: 3_600_000 };
  await atLast(() => prepareTopics({ brokers: [broker.address] }, plan));
  await leadersAreThere(topic_prefix, plan.partitions);
  return {
    open: () => Promise.resolve(open(topic_prefix)),
    partitions: 3,
    too_large_bytes: 9 * 1024 * 1024,
    async drop(_log, topic, partition, offset) {
      const admin = kafka.admin();
      await admin.connect();
      const name = topicName(topic_prefix, topic);
      await admin.fetchTopicOffsets(name);
      await admin.deleteTopicRecords({
        topic: name,
        partitions: [{ partition, offset: String(offset) }],
      });
      await admin.disconnect();
    },
    async [Symbol.asyncDispose]() {
      const admin = kafka.admin();
      await admin.connect();
      await admin.deleteTopics({ topics: TOPICS.map((topic) => topicName(topic_prefix, topic)) });
      await admin.disconnect();
    },
  };
}

/** The library's admin, which the tests use, has no patience with a partition that was made this moment. */
async function leadersAreThere(topic_prefix: string, partitions: number): Promise<void> {
  await using log = new KafkaLog({ brokers: [broker.address], topic_prefix });
  for (const topic of TOPICS) {
    for (let partition = 0; partition < partitions; partition++) {
      await atLast(() => log.bounds(topic, partition));
    }
  }
}

export function test(name: string, body: (log: KafkaLog, topic_prefix: string) => Promise<void>): void {
  Deno.test({
    name: `kafka_log ${name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using _under = await openUnderTest();
      const topic_prefix = `t${prefixes - 1}.`;
      await using log = open(topic_prefix);
      try {
        await body(log, topic_prefix);
      } catch (error) {
        // A broker that was left away lets the disposals fail too, and their errors would hide this one.
        console.error(error);
        throw error;
      }
    },
  });
}

export function open(topic_prefix: string, append_timeout_ms = APPEND_MS): KafkaLog {
  return new KafkaLog({ brokers: [broker.address], topic_prefix, append_timeout_ms });
}

export function isFault(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Fault && error.code === code && error.retry === "never";
}
