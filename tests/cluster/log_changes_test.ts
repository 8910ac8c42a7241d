/**
 * What others do to the topic: records without our headers become rows; a log that lost records, has other partitions, or is
 * another one stops the process with the precise reason; what the broker believes of our progress is ignored.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { CompressionTypes, type Message } from "kafkajs";
import { type Program, settled } from "../program.ts";
import { eventually, inTime } from "../waiting.ts";
import { Cluster, CLUSTER_TOKEN } from "./cluster.ts";
import { startKafkaBroker } from "./kafka_broker.ts";

const TOPIC = "millrace.events";
const GROUP = "millrace.process";
const MANY_BYTES = 4_900_000;
/** A topic takes as much when it is packed. */
const HUGE_BYTES = 80_000_000;

function payment(i: number, more: Record<string, unknown> = {}): Message {
  const event = { event_id: `e${i}`, timestamp: Date.now(), user_id: `u${i}`, amount: 1, currency: "EUR" };
  return {
    key: `u${i}`,
    partition: i % 2,
    value: JSON.stringify({ ...event, status: "completed", ...more }),
  };
}

/** Until the program ended by itself, as one that nobody can help does. */
async function fatalReason(program: Program): Promise<string> {
  const code = await inTime(program.ended, "the end of the process");
  strictEqual(code, 1, program.lines.slice(-20).join("\n"));
  return program.lines.join("\n");
}

Deno.test({
  name: "a process takes what others wrote, and stops when its log is not what it was",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const config = await Deno.makeTempDir();
    await Deno.writeTextFile(`${config}/sources.yaml`, "sources:\n  kafka: {kind: transaction}\n");
    await using cluster = await Cluster.start({
      processes: 1,
      env: { PARTITIONS: "2", CONFIG_DIR: config, TICK_AFTER_MS: "86400000" },
    });
    const kafka = cluster.broker.client();
    const admin = kafka.admin();
    await admin.connect();
    const send = async (messages: Message[], compression = CompressionTypes.None) => {
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic: TOPIC, messages, compression });
      await producer.disconnect();
    };
    const rows = async () =>
      (await cluster.ask("SELECT count(*)::INT, count(DISTINCT event_id)::INT FROM transactions")).map(
        Number,
      );

    await t.step("records without headers, large ones, and poison among them", async () => {
      const headers = { source: "shop", kind: "transaction", content_type: "application/json" };
      await send([
        ...Array.from({ length: 10 }, (_, i) => payment(i)),
        { key: null, partition: 0, value: null },
        { key: "poison", partition: 1, value: "\u0000{not json" },
        { ...payment(10, { note: "x".repeat(MANY_BYTES) }), headers },
        { ...payment(11), key: null },
      ]);
      await send([payment(12, { note: "y".repeat(HUGE_BYTES) }), payment(14)], CompressionTypes.GZIP);
      const status = await settled(cluster.url, CLUSTER_TOKEN);
      const accounts = (status.accounting as { source: string; rows: number; dead_letters: number }[])
        .map(({ source, rows, dead_letters }) => [source, rows, dead_letters]);
      deepStrictEqual(accounts, [["kafka", 12, 3], ["shop", 1, 0]]);
      deepStrictEqual(await rows(), [13, 13]);
      const large = "SELECT max(length(extra))::INT, count(received_at)::INT FROM transactions";
      const [length, times] = await cluster.ask(large);
      ok(Number(length) > MANY_BYTES && Number(times) === 13);
    });

    for (const [how, offset] of [["rewound", "0"], ["ahead", "1000000"]]) {
      await t.step(`the broker's committed offset ${how}`, async () => {
        strictEqual(await cluster.roles.get("process-0")!.stop(), 0);
        // It left in order: else the group would know it until its session ends.
        const state = async () => (await admin.describeGroups([GROUP])).groups[0].state;
        await eventually(state, (one) => one === "Empty", { what: "an empty group" });
        const partitions = [0, 1].map((partition) => ({ partition, offset }));
        await admin.setOffsets({ groupId: GROUP, topic: TOPIC, partitions });
        const process = await cluster.begin("process-0");
        const text = how === "rewound" ? /is behind ours, \d+: ignored/ : /is ahead of ours, \d+: ignored/;
        await eventually(() => process.lines.some((line) => text.test(line)), Boolean, {
          what: String(text),
        });
        const before = (await rows())[0];
        await send([payment(100 + before)]);
        await settled(cluster.url, CLUSTER_TOKEN);
        deepStrictEqual(await rows(), [before + 1, before + 1]);
      });
    }

    await t.step("a partition was added", async () => {
      await admin.createPartitions({ topicPartitions: [{ topic: TOPIC, count: 3 }] });
      const running = await fatalReason(cluster.roles.get("process-0")!);
      match(running, /has 3 partitions and had 2/);
      const started = await cluster.begin("process-0");
      match(await fatalReason(started), /belong to log \S+ with 2 partitions, but this is log \S+ with 3/);
    });

    await t.step("the topic was made again", async () => {
      await admin.deleteTopics({ topics: [TOPIC] });
      await eventually(() => admin.listTopics(), (topics) => !topics.includes(TOPIC), { what: "its end" });
      const started = await cluster.begin("process-0");
      match(
        await fatalReason(started),
        /belong to log (\S+) with 2 partitions, but this is log (?!\1)\S+ with 2/,
      );
    });

    await t.step("another broker stands at the same address", async () => {
      await using other = await startKafkaBroker();
      const started = await cluster.begin("process-0", { KAFKA_BROKERS: other.address });
      match(await fatalReason(started), /Bring the old log back, or start with an empty store/);
    });
    await admin.disconnect();
    await Deno.remove(config, { recursive: true });
  },
});

Deno.test({
  name: "a process stops with an alarm when retention took what it had not read, and never jumps ahead",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using cluster = await Cluster.start({ processes: 1, env: { PARTITIONS: "1" } });
    const kafka = cluster.broker.client();
    const producer = kafka.producer();
    await producer.connect();
    const headers = { source: "shop", kind: "transaction", content_type: "application/json" };
    const send = (from: number, count: number) =>
      producer.send({
        topic: TOPIC,
        messages: Array.from({ length: count }, (_, i) => ({ ...payment(from + i), partition: 0, headers })),
      });
    await send(0, 10);
    await settled(cluster.url, CLUSTER_TOKEN);
    strictEqual(await cluster.roles.get("process-0")!.stop(), 0);
    const [{ next_offset }] = (await cluster.status()).partitions;
    await send(10, 10);
    await producer.disconnect();
    const admin = kafka.admin();
    await admin.connect();
    const offset = String(next_offset + 4);
    await admin.fetchTopicOffsets(TOPIC);
    await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset }] });
    await admin.disconnect();
    const started = await cluster.begin("process-0");
    match(await fatalReason(started), /offset \d+ is next, but the log begins at \d+; 4 records are gone/);
    strictEqual((await cluster.status()).partitions[0].next_offset, next_offset);
  },
});
