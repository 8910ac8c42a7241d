/** The broker line before ours: the log's whole contract, membership in the group of owners, and the topics' settings. */
import assert from "node:assert/strict";
import { KafkaAssignment } from "../../lib/log/kafka_assignment.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { logContract } from "../contracts/log_contract.ts";
import { atLast } from "./at_last.ts";
import { OLD_KAFKA_VERSION } from "./kafka_broker.ts";
import { broker, isFault, kafka, newPrefix, openUnderTest, test, useVersion } from "./kafka_scene.ts";

useVersion(OLD_KAFKA_VERSION);

logContract(`kafka_log on ${OLD_KAFKA_VERSION}`, openUnderTest, { sanitize: false });

test(`on ${OLD_KAFKA_VERSION} shares the partitions among owners`, async (_log, topic_prefix) => {
  const options = { brokers: [broker.address], topic_prefix };
  const held = new Map<string, readonly number[]>();
  const end = new AbortController();
  const follow = async (name: string) => {
    await using assignment = new KafkaAssignment(options);
    await assignment.follow((owned) => {
      held.set(name, [...owned]);
      const all = [...held.values()].flat();
      assert.equal(new Set(all).size, all.length, "a partition has two owners");
      if (held.size === 2 && all.length === 3 && [...held.values()].every(({ length }) => length > 0)) {
        end.abort();
      }
      return Promise.resolve();
    }, end.signal);
  };
  await Promise.all([follow("a"), follow("b")]);
});

Deno.test(`prepareTopics refuses wrong settings on ${OLD_KAFKA_VERSION}`, async () => {
  const topic_prefix = newPrefix();
  const plan = { topic_prefix, partitions: 1, replication: 1, retention_ms: 3_600_000 };
  const options = { brokers: [broker.address] };
  await atLast(() => prepareTopics(options, plan));
  await atLast(() => prepareTopics(options, plan));
  const longer = { ...plan, retention_ms: 7_200_000 };
  await assert.rejects(prepareTopics(options, longer), isFault("wrong_topic_settings"));
  const admin = kafka.admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [`${topic_prefix}events`] });
  await admin.disconnect();
  assert.equal(topics[0].partitions.length, 1);
});
