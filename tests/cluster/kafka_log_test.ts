/** The Kafka log under the contract of its port, against a real broker, and what only a broker can do to it. */
import assert from "node:assert/strict";
import type { Kafka } from "kafkajs";
import { Fault } from "../../lib/errors.ts";
import { kafkaClient } from "../../lib/log/kafka_link.ts";
import { KafkaLog } from "../../lib/log/kafka_log.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { topicName, TOPICS } from "../../lib/log/topics.ts";
import {
  logContract,
  type LogUnderTest,
  readAll,
  readToEnd,
  record,
  textOf,
} from "../contracts/log_contract.ts";
import { type KafkaBroker, startKafkaBroker } from "./kafka_broker.ts";

let broker: KafkaBroker;
let kafka: Kafka;
let prefixes = 0;

Deno.test.beforeAll(async () => {
  broker = await startKafkaBroker();
  kafka = kafkaClient({ brokers: [broker.address] });
});

Deno.test.afterAll(() => broker[Symbol.asyncDispose]());

async function openUnderTest(): Promise<LogUnderTest> {
  const topic_prefix = `t${prefixes++}.`;
  const plan = { topic_prefix, partitions: 3, replication: 1, retention_ms: 3_600_000 };
  await prepareTopics({ brokers: [broker.address] }, plan);
  await leadersAreThere(topic_prefix, plan.partitions);
  return {
    open: () =>
      Promise.resolve(new KafkaLog({ brokers: [broker.address], topic_prefix, append_timeout_ms: 5_000 })),
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
    for (let partition = 0; partition < partitions; partition++) await log.bounds(topic, partition);
  }
}

logContract("kafka_log", openUnderTest, { sanitize: false });

// More follows below.
void [assert, Fault, readAll, readToEnd, record, textOf];
