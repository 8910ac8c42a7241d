/** The spill before a real broker that is stopped, killed and started, and a door that is restarted meanwhile. */
import assert from "node:assert/strict";
import { KafkaLog } from "../../lib/log/kafka_log.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { openKeptLog } from "../../lib/log/kept_log.ts";
import { openSpillingLog, type SpillingLog } from "../../lib/log/spill.ts";
import { partitionOf } from "../../lib/log/topics.ts";
import { readToEnd, record, textOf } from "../contracts/log_contract.ts";
import { eventually } from "../waiting.ts";
import { atLast } from "./at_last.ts";
import { type KafkaBroker, startKafkaBroker } from "./kafka_broker.ts";

const KEEPER = new URL("../../workers/log_keeper.ts", import.meta.url);
const PARTITIONS = 3;
const KEYS = Array.from({ length: 10 }, (_, i) => `k${i}`);

async function openDoor(broker: KafkaBroker, folder: string): Promise<SpillingLog> {
  const brokers = [broker.address];
  const store = await openKeptLog({ directory: folder, partitions: PARTITIONS, worker_url: KEEPER });
  const kafka = new KafkaLog({ brokers, topic_prefix: "s.", append_timeout_ms: 1_000 });
  return await openSpillingLog({ broker: kafka, store, max_bytes: 1e8 });
}

/** Appends numbers under each key, one after the other, for as long as it is not told to stop. */
class Senders {
  readonly acknowledged = new Map<string, string[]>(KEYS.map((key) => [key, []]));
  #stop = false;
  #sending: Promise<unknown> = Promise.resolve();
  #next = 0;

  start(door: SpillingLog): void {
    this.#stop = false;
    this.#sending = Promise.all(KEYS.map(async (key) => {
      while (!this.#stop) {
        const text = String(this.#next++);
        await door.append("events", [record(text, partitionOf(key, PARTITIONS), { key })]);
        this.acknowledged.get(key)!.push(text);
      }
    }));
  }

  get count(): number {
    return [...this.acknowledged.values()].reduce((sum, texts) => sum + texts.length, 0);
  }

  async more(count: number): Promise<void> {
    const wanted = this.count + count;
    await eventually(() => this.count, (count) => count >= wanted, { what: `${count} more`, every_ms: 5 });
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await this.#sending;
  }
}

Deno.test({
  name: "events go to the spill while the broker is away, and on in order, over restarts of both",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using broker = await startKafkaBroker();
    const folder = await Deno.makeTempDir();
    const plan = { topic_prefix: "s.", partitions: PARTITIONS, replication: 1, retention_ms: 3_600_000 };
    await atLast(() => prepareTopics({ brokers: [broker.address] }, plan));
    const senders = new Senders();
    let door = await openDoor(broker, folder);
    senders.start(door);
    await senders.more(200);
    // What took the broker too long may have been spilled; it is given on.
    await drained(door);
    await broker.stop();
    await senders.more(200);
    assert.ok(door.state.records >= 190);
    // The door is restarted while the broker is away: it starts, spills on, and remembers.
    await senders.stop();
    const before = door.state.records;
    await door[Symbol.asyncDispose]();
    door = await openDoor(broker, folder);
    assert.equal(door.state.records, before);
    senders.start(door);
    await senders.more(200);
    await broker.start();
    await drained(door);
    await senders.more(200);
    await broker.kill();
    await senders.more(200);
    await broker.start();
    await drained(door);
    await senders.more(200);
    await senders.stop();
    await drained(door);
    for (const key of KEYS) {
      const records = await readToEnd(door, "events", partitionOf(key, PARTITIONS));
      const texts = records.filter((one) => one.key === key).map(textOf);
      // A record may repeat where an answer was lost; its first copy is the one that counts.
      assert.deepEqual([...new Set(texts)], senders.acknowledged.get(key));
    }
    await door[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  },
});

async function drained(door: SpillingLog): Promise<void> {
  await eventually(() => door.state.records, (records) => records === 0, { what: "an empty spill" });
}
