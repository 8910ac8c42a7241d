/** The Kafka log under the contract of its port, against a real broker, and what only a broker can do to it. */
import assert from "node:assert/strict";
import { CompressionTypes, type Kafka, type Message } from "kafkajs";
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

function test(name: string, body: (log: KafkaLog, topic_prefix: string) => Promise<void>): void {
  Deno.test({
    name: `kafka_log ${name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using _under = await openUnderTest();
      const topic_prefix = `t${prefixes - 1}.`;
      await using log = open(topic_prefix);
      await body(log, topic_prefix);
    },
  });
}

function open(topic_prefix: string, append_timeout_ms = 5_000): KafkaLog {
  return new KafkaLog({ brokers: [broker.address], topic_prefix, append_timeout_ms });
}

function isAway(error: unknown): boolean {
  return error instanceof Fault && error.blame === "dependency" && error.retry === "after_backoff";
}

function isFault(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Fault && error.code === code && error.retry === "never";
}

test("reads what other programs wrote, whatever their headers and packing", async (log, prefix) => {
  const before = Date.now() - 1000;
  const producer = kafka.producer();
  await producer.connect();
  const send = (messages: Message[], compression = CompressionTypes.None) =>
    producer.send({ topic: `${prefix}events`, messages, compression });
  await send([{ partition: 0, key: null, value: null }]);
  await send([{
    partition: 0,
    key: "k",
    value: "plain",
    headers: { received_at: "1700000000000", kind: "x" },
  }]);
  const packed = Array.from({ length: 50 }, (_, i) => ({ partition: 0, key: `${i}`, value: `packed ${i}` }));
  await send(packed, CompressionTypes.GZIP);
  await producer.disconnect();
  const read = await readAll(log, "events", 0, 52);
  assert.deepEqual([read[0].key, read[0].value, read[0].headers], [null, null, {}]);
  assert.ok(read[0].received_at >= before && read[0].received_at <= Date.now() + 1000);
  assert.deepEqual([textOf(read[1]), read[1].received_at, read[1].headers], ["plain", 1.7e12, { kind: "x" }]);
  assert.deepEqual(read.slice(2).map(textOf), packed.map(({ value }) => value));
});

test("leaves out transactions that were aborted, and reads on behind them", async (log, prefix) => {
  const producer = kafka.producer({
    transactionalId: `${prefix}tx`,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  for (const [text, end] of [["a", "commit"], ["b", "abort"], ["c", "commit"]] as const) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: `${prefix}events`, messages: [{ partition: 0, value: text }] });
    await transaction[end]();
  }
  await producer.disconnect();
  await log.append("events", [record("d")]);
  const read = await readAll(log, "events", 0, 3);
  assert.deepEqual(read.map(textOf), ["a", "c", "d"]);
  assert.deepEqual((await readAll(log, "events", 0, 1, read[1].offset + 1)).map(textOf), ["d"]);
});

test("keeps what it acknowledged, once each and in order, while the broker is killed and comes back", async (log) => {
  const acknowledged: string[] = [];
  let stop = false;
  const appending = (async () => {
    for (let i = 0; !stop; i++) {
      const texts = Array.from({ length: 20 }, (_, k) => `${i}.${k}`);
      try {
        await log.append("events", texts.map((text) => record(text)));
        acknowledged.push(...texts);
      } catch (error) {
        assert.ok(isAway(error), String(error));
      }
    }
  })();
  while (acknowledged.length < 200) await pause(10);
  await broker.kill();
  await pause(6_000);
  await broker.start();
  const at = acknowledged.length;
  while (acknowledged.length < at + 200) await pause(10);
  stop = true;
  await appending;
  const stored = (await readToEnd(log, "events", 0)).map(textOf);
  const isAcknowledged = new Set(acknowledged);
  assert.deepEqual(stored.filter((text) => isAcknowledged.has(text)), acknowledged);
});

test("does not store behind later records what it gave up on while the broker hung", async (_log, prefix) => {
  await using hasty = open(prefix, 1_000);
  await hasty.append("events", [record("first")]);
  broker.pause();
  await assert.rejects(hasty.append("events", [record("given up")]), isAway);
  broker.resume();
  await appendAtLast(hasty, "later");
  await appendAtLast(hasty, "last");
  const stored = [...new Set((await readToEnd(hasty, "events", 0)).map(textOf))];
  // Whether it was stored is open; that it stands where it was called for is not.
  assert.ok(
    [["first", "later", "last"], ["first", "given up", "later", "last"]].some((one) =>
      one.join() === stored.join()
    ),
    stored.join(),
  );
});

test("starts while the broker is away, and works once it is there", async (_log, prefix) => {
  await broker.stop();
  await using log = open(prefix, 500);
  const early = log.append("events", [record("early")]);
  early.catch(() => undefined);
  await broker.start();
  await early.then(() => undefined, (error) => assert.ok(isAway(error), String(error)));
  await appendAtLast(log, "late");
  assert.equal(textOf((await readToEnd(log, "events", 0)).at(-1)!), "late");
});

test("goes on reading over a restart of the broker", async (log) => {
  await log.append("events", [record("a")]);
  const [a] = await readAll(log, "events", 0, 1);
  const waiting = log.read("events", 0, a.offset + 1, {
    max_records: 10,
    max_bytes: 1000,
    wait_ms: 60_000,
  });
  const outcome = waiting.then((records) => records.map(textOf), (error) => error);
  await broker.restart();
  await appendAtLast(log, "b");
  const first = await outcome;
  if (first instanceof Error) assert.ok(isAway(first), String(first));
  else assert.equal(first[0], "b");
  assert.deepEqual((await readAll(log, "events", 0, 1, a.offset + 1)).map(textOf), ["b"]);
});

test("says so when its topic was deleted, or made again under it", async (log, prefix) => {
  await log.append("events", [record("a"), record("b")]);
  const identity = await log.identity("events");
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [`${prefix}events`] });
  await assert.rejects(
    log.identity("events"),
    (error) => error instanceof Fault && error.code === "topic_missing",
  );
  const plan = { topic_prefix: prefix, partitions: 3, replication: 1, retention_ms: 3_600_000 };
  await prepareTopics({ brokers: [broker.address] }, plan);
  await admin.disconnect();
  assert.notEqual((await log.identity("events")).id, identity.id);
  await assert.rejects(
    log.read("events", 0, 2, { max_records: 10, max_bytes: 1000, wait_ms: 20_000 }),
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
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
      await log.read("events", 0, 0, { max_records: 10, max_bytes: 1000, wait_ms: 10 });
    }
  };
  await assert.rejects(reading(), isFault("log_changed"));
  assert.equal((await log.identity("events")).partitions, 5);
});

test("finds where a time stands", async (log) => {
  await log.append("events", [record("a")]);
  await pause(20);
  const middle = Date.now();
  await pause(20);
  await log.append("events", [record("b")]);
  const [, b] = await readAll(log, "events", 0, 2);
  assert.equal(await log.offsetAt("events", 0, middle), b.offset);
  assert.equal(await log.offsetAt("events", 0, Date.now() + 60_000), b.offset + 1);
});

Deno.test("prepareTopics refuses topics whose settings would break a promise, and names each difference", async () => {
  const topic_prefix = `t${prefixes++}.`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
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
  const plan = { topic_prefix: `t${prefixes++}.`, partitions: 2, replication: 1, retention_ms: 3_600_000 };
  await Promise.all(Array.from({ length: 4 }, () => prepareTopics({ brokers: [broker.address] }, plan)));
  await using log = open(plan.topic_prefix);
  assert.equal((await log.identity("alerts")).partitions, 2);
});

/** A busy machine may need a while to have its broker back. */
async function appendAtLast(log: KafkaLog, text: string): Promise<void> {
  for (;;) {
    try {
      return void await log.append("events", [record(text)]);
    } catch (error) {
      assert.ok(isAway(error), String(error));
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
