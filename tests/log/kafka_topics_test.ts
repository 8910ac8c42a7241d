/** Which settings of a topic would break a promise. */
import assert from "node:assert/strict";
import { differencesOf } from "../../lib/log/kafka_topics.ts";

const PLAN = {
  topic_prefix: "",
  partitions: 1,
  replication: 3,
  retention_ms: 1000,
  max_record_bytes: 100_000,
};
const GOOD = {
  "cleanup.policy": "delete",
  "compression.type": "producer",
  "message.timestamp.type": "LogAppendTime",
  "max.message.bytes": "200000",
  "retention.ms": "1000",
  "retention.bytes": "-1",
  "min.insync.replicas": "2",
  "unclean.leader.election.enable": "false",
};

Deno.test("differencesOf finds none in settings that fit, longer and larger ones included", () => {
  assert.deepEqual(differencesOf(new Map(Object.entries(GOOD)), PLAN), []);
  const more = { ...GOOD, "retention.ms": "-1", "compression.type": "zstd", "max.message.bytes": "9999999" };
  assert.deepEqual(differencesOf(new Map(Object.entries(more)), PLAN), []);
});

for (
  const [name, value, wanted] of [
    ["cleanup.policy", "compact,delete", "delete"],
    ["message.timestamp.type", "CreateTime", "LogAppendTime"],
    ["max.message.bytes", "165535", "165536 or more"],
    ["retention.ms", "999", "1000 or more, or -1"],
    ["retention.bytes", "1000000", "-1"],
    ["unclean.leader.election.enable", "true", "false"],
    ["min.insync.replicas", "1", "2 or more"],
  ]
) {
  Deno.test(`differencesOf names ${name} when it is ${value}`, () => {
    const differences = differencesOf(new Map(Object.entries({ ...GOOD, [name]: value })), PLAN);
    assert.deepEqual(differences, [`${name} is ${value} and must be ${wanted}`]);
  });
}
