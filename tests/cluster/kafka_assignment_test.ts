/** Owners that come, go, hang and die share the partitions of a real broker's topic, each partition with one of them. */
import assert from "node:assert/strict";
import { KafkaAssignment, type KafkaAssignmentOptions } from "../../lib/log/kafka_assignment.ts";
import { prepareTopics } from "../../lib/log/kafka_topics.ts";
import { eventually } from "../waiting.ts";
import { atLast } from "./at_last.ts";
import { type KafkaBroker, startKafkaBroker } from "./kafka_broker.ts";

const PARTITIONS = 4;
let broker: KafkaBroker;
let prefixes = 0;

Deno.test.beforeAll(async () => {
  broker = await startKafkaBroker();
});

Deno.test.afterAll(() => broker[Symbol.asyncDispose]());

/** One owner that follows the group, and notes what it holds. */
class Owner {
  held = new Set<number>();
  changes = 0;
  readonly #control = new AbortController();
  readonly following: Promise<void>;
  readonly assignment: KafkaAssignment;

  constructor(
    readonly all: Owner[],
    options: KafkaAssignmentOptions,
    readonly letGo: (lost: number[]) => Promise<void> = () => Promise.resolve(),
  ) {
    all.push(this);
    this.assignment = new KafkaAssignment(options);
    this.following = this.assignment.follow((owned) => this.#change(owned), this.#control.signal);
  }

  async leave(): Promise<void> {
    this.#control.abort();
    await this.following;
    await this.assignment[Symbol.asyncDispose]();
  }

  async #change(owned: ReadonlySet<number>): Promise<void> {
    this.changes++;
    const lost = [...this.held].filter((partition) => !owned.has(partition));
    if (lost.length > 0) await this.letGo(lost);
    for (const partition of lost) this.held.delete(partition);
    for (const partition of owned) {
      const others = this.all.filter((one) => one !== this && one.held.has(partition));
      assert.deepEqual(others, [], `partition ${partition} has two owners`);
      this.held.add(partition);
    }
  }
}

async function settled(owners: readonly Owner[], sizes: readonly number[]): Promise<void> {
  const wanted = [...sizes].sort().join();
  await eventually(() => owners.map(({ held }) => [...held]), (held) => {
    const all = held.flat();
    const isWhole = new Set(all).size === PARTITIONS && all.length === PARTITIONS;
    return isWhole && held.map(({ length }) => length).sort().join() === wanted;
  }, { what: `shares of ${wanted}` });
}

async function options(): Promise<KafkaAssignmentOptions> {
  const topic_prefix = `a${prefixes++}.`;
  const brokers = [broker.address];
  const plan = { topic_prefix, partitions: PARTITIONS, replication: 1, retention_ms: 3_600_000 };
  await atLast(() => prepareTopics({ brokers }, plan));
  return { brokers, topic_prefix };
}

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name, fn: body, sanitizeOps: false, sanitizeResources: false });
}

test("KafkaAssignment shares partitions among owners that come and go, never giving one to two", async () => {
  const group = await options();
  const owners: Owner[] = [];
  const a = new Owner(owners, group);
  await settled([a], [4]);
  const slowly = () => new Promise<void>((resolve) => setTimeout(resolve, 300));
  const b = new Owner(owners, group, slowly);
  await settled([a, b], [2, 2]);
  const c = new Owner(owners, group, slowly);
  await settled([a, b, c], [1, 1, 2]);
  await b.leave();
  assert.equal(b.held.size, 0);
  await settled([a, c], [2, 2]);
  await Promise.all([a.leave(), c.leave()]);
  assert.deepEqual(owners.map(({ held }) => held.size), [0, 0, 0]);
});

test("an owner keeps what it keeps while another joins", async () => {
  const group = await options();
  const owners: Owner[] = [];
  const lost: number[] = [];
  const a = new Owner(owners, group, (partitions) => {
    lost.push(...partitions);
    return Promise.resolve();
  });
  await settled([a], [4]);
  const b = new Owner(owners, group);
  await settled([a, b], [2, 2]);
  assert.equal(lost.length, 2);
  assert.equal(a.changes, 2);
  await Promise.all([a.leave(), b.leave()]);
});

test("a broker that is away and comes back changes nothing for its owners", async () => {
  const group = await options();
  const owners: Owner[] = [];
  const a = new Owner(owners, group);
  const b = new Owner(owners, group);
  await settled([a, b], [2, 2]);
  await broker.restart();
  const c = new Owner(owners, group);
  await settled([a, b, c], [1, 1, 2]);
  await Promise.all([a.leave(), b.leave(), c.leave()]);
});

test("advise reaches the broker, and an offset that is not ours is ignored with a warning", async () => {
  const group = await options();
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const owners: Owner[] = [];
  const a = new Owner(owners, { ...group, warn });
  await settled([a], [4]);
  await a.assignment.advise(0, 500);
  await a.assignment.advise(0, 400);
  await a.assignment.advise(1, 7);
  await a.leave();
  assert.deepEqual(warnings, []);
  const admin = broker.client().admin();
  await admin.connect();
  const groupId = `${group.topic_prefix}process`;
  const [{ partitions }] = await admin.fetchOffsets({ groupId });
  const state = async () => (await admin.describeGroups([groupId])).groups[0].state;
  await eventually(state, (one) => one === "Empty", { what: "an empty group" });
  const rewound = [{ partition: 3, offset: "2" }];
  await admin.setOffsets({ groupId, topic: `${group.topic_prefix}events`, partitions: rewound });
  await admin.disconnect();
  const committed = Object.fromEntries(partitions.map(({ partition, offset }) => [partition, offset]));
  assert.deepEqual([committed[0], committed[1]], ["500", "7"]);
  const b = new Owner(owners, { ...group, warn });
  await settled([b], [4]);
  await b.assignment.advise(0, 300);
  // As after a crash: more was decided than the broker was told.
  await b.assignment.advise(1, 8);
  await b.assignment.advise(2, 9);
  await b.assignment.advise(3, 9);
  await b.leave();
  assert.deepEqual(warnings, [
    "The broker's offset 500 of partition 0 is ahead of ours, 300: ignored",
    "The broker's offset 2 of partition 3 is behind ours, 9: ignored",
  ]);
});

test("follow rejects with what its callback threw, and lets others take over", async () => {
  const group = await options();
  const owners: Owner[] = [];
  const a = new Owner(owners, group);
  await settled([a], [4]);
  const broken = new KafkaAssignment(group);
  await assert.rejects(
    broken.follow(() => Promise.reject(new Error("cannot claim")), new AbortController().signal),
    /cannot claim/,
  );
  await broken[Symbol.asyncDispose]();
  await settled([a], [4]);
  await a.leave();
});
