/** The Kafka log under the contract of its port, against a real broker, and what only a broker can do to it. */
import assert from "node:assert/strict";
import { CompressionTypes, type Message } from "kafkajs";
import { logContract, readAll, readToEnd, record, textOf } from "../contracts/log_contract.ts";
import { eventually, pause } from "../waiting.ts";
import { atLast, isAway } from "./at_last.ts";
import { broker, kafka, open, openUnderTest, test } from "./kafka_scene.ts";

logContract("kafka_log", openUnderTest, { sanitize: false });

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

test("reads what the broker packs by each of its codecs", async (_log, prefix) => {
  const random = crypto.getRandomValues(new Uint8Array(50_000));
  const values = [
    random,
    new Uint8Array(300_000),
    new TextEncoder().encode("abcdefgh ".repeat(20_000)),
    random,
  ];
  const admin = kafka.admin();
  await admin.connect();
  for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
    const topic = `${prefix}${codec}.events`;
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, configEntries: [{ name: "compression.type", value: codec }] }],
    });
    await using packed = open(`${prefix}${codec}.`);
    await atLast(() => packed.append("events", values.map((value) => record("", 0, { value }))));
    const read = await readAll(packed, "events", 0, values.length);
    read.forEach((one, i) => assert.equal(Buffer.compare(one.value!, values[i]), 0, `${codec} ${i}`));
  }
  await admin.disconnect();
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

test(
  "keeps what it acknowledged, once each and in order, while the broker is killed and comes back",
  async (_log, prefix) => {
    // It gives up while the broker is away, and is asked again.
    await using log = open(prefix, 5_000);
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
    const more = async (count: number) => {
      const wanted = acknowledged.length + count;
      await eventually(() => acknowledged.length, (length) => length >= wanted, { what: "acknowledgements" });
    };
    await more(200);
    await broker.kill();
    await pause(6_000);
    await broker.start();
    await more(200);
    stop = true;
    await appending;
    const stored = (await readToEnd(log, "events", 0)).map(textOf);
    const isAcknowledged = new Set(acknowledged);
    assert.deepEqual(stored.filter((text) => isAcknowledged.has(text)), acknowledged);
  },
);

test("does not store behind later records what it gave up on while the broker hung", async (_log, prefix) => {
  await using hasty = open(prefix, 1_000);
  await atLast(() => hasty.append("events", [record("first")]));
  await broker.pause();
  try {
    await assert.rejects(hasty.append("events", [record("given up")]), isAway);
  } finally {
    broker.resume();
  }
  await atLast(() => hasty.append("events", [record("later")]));
  await atLast(() => hasty.append("events", [record("last")]));
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
  await atLast(() => log.append("events", [record("late")]));
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
  await atLast(() => log.append("events", [record("b")]));
  const first = await outcome;
  if (first instanceof Error) assert.ok(isAway(first), String(first));
  else assert.equal(first[0], "b");
  assert.deepEqual((await readAll(log, "events", 0, 1, a.offset + 1)).map(textOf), ["b"]);
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
