/** Topics that are wrong, missing, made again, or made by several programs at once. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { runCommand } from "../commands/run_command.ts";
import { record } from "../contracts/log_contract.ts";
import { atLast } from "./at_last.ts";
import { broker, isFault, kafka, newPrefix, open, test } from "./kafka_scene.ts";

test("says so when its topic was deleted, or made again under it", async (log, prefix) => {
  await log.append("events", [record("a"), record("b")]);
  const identity = await log.identity("events");
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [`${prefix}events`] });
  // Brokers hear of it one after the other.
  const gone = async () => {
    for (;;) await log.identity("events");
  };
  await assert.rejects(gone(), (error) => error instanceof Fault && error.code === "topic_missing");
  const plan = { topic_prefix: prefix, partitions: 3, replication: 1, retention_ms: 3_600_000 };
  await atLast(() => prepareTopics({ brokers: [broker.address] }, plan));
  await admin.disconnect();
  assert.notEqual((await log.identity("events")).id, identity.id);
  await assert.rejects(
    log.read("events", 0, 2, { max_records: 10, max_bytes: 1000, wait_ms: 300_000 }),
    isFault("log_changed"),
  );
});

test("says so when partitions were added", async (log, prefix) => {
  await log.append("events", [record("a")]);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic: `${prefix}events`, count: 5 }] });
  await admin.disconnect();
  const reading = async () => {
    const deadline = Date.now() + 300_000;
    while (Date.now() < deadline) {
      await log.read("events", 0, 0, { max_records: 10, max_bytes: 1000, wait_ms: 10 });
    }
  };
  await assert.rejects(reading(), isFault("log_changed"));
  assert.equal((await log.identity("events")).partitions, 5);
});

Deno.test("prepareTopics refuses topics whose settings would break a promise, and names each difference", async () => {
  const topic_prefix = newPrefix();
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: false,
    topics: [{
      topic: `${topic_prefix}events`,
      numPartitions: 2,
      configEntries: [{ name: "cleanup.policy", value: "compact" }, { name: "retention.ms", value: "1000" }],
    }],
  });
  await admin.disconnect();
  const plan = { topic_prefix, partitions: 3, replication: 1, retention_ms: 3_600_000 };
  await assert.rejects(prepareTopics({ brokers: [broker.address] }, plan), (error) => {
    assert.ok(error instanceof Fault && error.code === "wrong_topic_settings" && error.retry === "never");
    for (
      const name of ["cleanup.policy is compact", "retention.ms is 1000", "max.message.bytes is 1048588"]
    ) {
      assert.ok(error.message.includes(`${topic_prefix}events: ${name}`), error.message);
    }
    assert.ok(!error.message.includes(`${topic_prefix}alerts`));
    return true;
  });
});

Deno.test("prepareTopics may run in several programs at once", async () => {
  const plan = { topic_prefix: newPrefix(), partitions: 2, replication: 1, retention_ms: 3_600_000 };
  await Promise.all(
    Array.from({ length: 4 }, () => atLast(() => prepareTopics({ brokers: [broker.address] }, plan))),
  );
  await using log = open(plan.topic_prefix);
  assert.equal((await log.identity("alerts")).partitions, 2);
});

Deno.test("a backfill makes the topics that are missing, and who reads says that they are", async () => {
  const folder = await Deno.makeTempDir();
  const env = {
    DATA_DIR: folder,
    KAFKA_BROKERS: broker.address,
    KAFKA_TOPIC_PREFIX: newPrefix(),
    PARTITIONS: "2",
  };
  const early = await runCommand(["tail", "--from", "0", "--limit", "1"], env);
  assert.equal(early.code, 1);
  assert.match(early.stderr, /^Cannot use topic .*events: the broker has no such topic$/m);
  const { code, stdout, stderr } = await runCommand(["produce", "--count", "20"], env);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^produced 20 of 20 events/m);
  const lines = (await runCommand(["tail", "--from", "0", "--limit", "20", "--json"], env)).stdout;
  assert.equal(lines.trim().split("\n").length, 20);
  await Deno.remove(folder, { recursive: true });
});
