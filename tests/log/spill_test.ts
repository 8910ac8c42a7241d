/** The spill under the contract of the log, and what it does while the broker is away. */
import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import { openSpillingLog } from "../../lib/log/spill.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { partitionOf } from "../../lib/log/topics.ts";
import { logContract, readToEnd, record, textOf } from "../contracts/log_contract.ts";
import { eventually } from "../waiting.ts";
import { drained, keyed, withScene } from "./spill_scene.ts";

logContract("spilling_log", async () => {
  const directory = await Deno.makeTempDir();
  let openings = 0;
  return {
    open: async () =>
      await openSpillingLog({
        broker: await openSqliteLog({ directory: `${directory}/broker`, partitions: 3 }),
        store: await openSqliteLog({ directory: `${directory}/spill${openings++}`, partitions: 3 }),
        max_bytes: 0,
      }),
    partitions: 3,
    too_large_bytes: 9 * 1024 * 1024,
    drop: (log, topic, partition, offset) => log.trim(topic, partition, offset),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
});

Deno.test("SpillingLog keeps events while the broker is away, and gives them on in order before newer ones", () =>
  withScene({ topic: 2, spill: 2 }, async (scene) => {
    await using door = await scene.door();
    const say = (text: string) => door.append("events", [keyed("k", text, 2)]);
    assert.equal((await say("1"))[0], 0);
    scene.weather.now = "away";
    assert.deepEqual([await say("2"), await say("3")], [[-1], [-1]]);
    assert.equal(door.state.records, 2);
    assert.ok(door.state.bytes > 0);
    assert.equal(door.state.oldest_ms, 1_700_000_000_123);
    scene.weather.now = "there";
    await say("4");
    await drained(door);
    const told = await say("5");
    const stored = (await scene.stored())[partitionOf("k", 2)];
    assert.deepEqual(stored, ["k:1", "k:2", "k:3", "k:4", "k:5"]);
    assert.equal(told[0], 4);
    assert.deepEqual(door.state, { records: 0, bytes: 0, oldest_ms: null });
    assert.deepEqual(scene.warnings.length, 2);
  }));

Deno.test("a door that starts while the broker is away finds what was spilled before, and drains it first", () =>
  withScene({ topic: 2, spill: 2 }, async (scene) => {
    scene.weather.now = "away";
    {
      await using door = await scene.door();
      assert.equal((await door.identity("events")).partitions, 2);
      for (let i = 0; i < 5; i++) await door.append("events", [keyed(`k${i}`, "old", 2)]);
    }
    await using door = await scene.door();
    assert.equal(door.state.records, 5);
    assert.equal(door.state.oldest_ms, 1_700_000_000_123);
    for (let i = 0; i < 5; i++) await door.append("events", [keyed(`k${i}`, "new", 2)]);
    scene.weather.now = "there";
    await drained(door);
    const stored = (await scene.stored()).flat();
    assert.equal(stored.length, 10);
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(stored.filter((one) => one.startsWith(`k${i}:`)), [`k${i}:old`, `k${i}:new`]);
    }
  }));

Deno.test("records find their partition of a topic that has another number of them than the spill", () =>
  withScene({ topic: 5, spill: 2 }, async (scene) => {
    scene.weather.now = "away";
    await using door = await scene.door();
    const believed = (await door.identity("events")).partitions;
    assert.equal(believed, 2);
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    for (const key of keys) await door.append("events", [keyed(key, "1", believed)]);
    scene.weather.now = "there";
    await drained(door);
    for (const key of keys) await door.append("events", [keyed(key, "2", believed)]);
    assert.equal((await door.identity("events")).partitions, 5);
    scene.weather.now = "away";
    const headers = { kind: "rules", source: "millrace" };
    const control = [0, 1, 2, 3, 4].map((p) => record(`control ${p}`, p, { key: null, headers }));
    await door.append("events", control);
    scene.weather.now = "there";
    await drained(door);
    const stored = await scene.stored();
    for (const key of keys) {
      const there = stored[partitionOf(key, 5)].filter((one) => one.startsWith(`${key}:`));
      assert.deepEqual(there, [`${key}:1`, `${key}:2`]);
    }
    for (let p = 0; p < 5; p++) {
      const last = (await readToEnd(scene.broker, "events", p)).at(-1)!;
      assert.deepEqual([textOf(last), last.headers], [`control ${p}`, headers]);
    }
  }));

Deno.test("SpillingLog refuses what exceeds the spill, and takes events again once the broker is back", () =>
  withScene({ topic: 1, spill: 1, max_bytes: 5000 }, async (scene) => {
    await using door = await scene.door();
    scene.weather.now = "away";
    const large = () => door.append("events", [record("", 0, { value: new Uint8Array(2000) })]);
    await large();
    await large();
    await assert.rejects(
      large(),
      (error) =>
        error instanceof Fault && error.code === "spill_full" && error.blame === "dependency" &&
        error.retry === "after_backoff",
    );
    scene.weather.now = "there";
    await drained(door);
    assert.equal((await large())[0], 2);
  }));

Deno.test("a spill of which nothing can be deleted is drained to its end all the same, each record once", () =>
  withScene({ topic: 1, spill: 1, piece_records: 2 }, async (scene) => {
    {
      await using door = await scene.door();
      scene.weather.now = "away";
      for (const text of ["1", "2", "3", "4", "5"]) await door.append("events", [keyed("k", text, 1)]);
      scene.disk.full = true;
      scene.weather.now = "there";
      await eventually(() => door.state, ({ records }) => records === 0, { what: "an empty spill" });
      await eventually(() => scene.warnings, (all) => all.some((one) => one.includes("is empty")));
      assert.equal((await door.append("events", [keyed("k", "6", 1)]))[0], 5);
      // What is deleted later takes with it what stayed.
      scene.disk.full = false;
      scene.weather.now = "away";
      await door.append("events", [keyed("k", "7", 1)]);
      scene.weather.now = "there";
      await drained(door);
    }
    await using again = await scene.door();
    assert.equal(again.state.records, 0);
    assert.deepEqual(
      (await scene.stored())[0],
      ["1", "2", "3", "4", "5", "6", "7"].map((text) => `k:${text}`),
    );
  }));

Deno.test("SpillingLog with no room at all refuses while the broker is away, and recovers by itself", () =>
  withScene({ topic: 1, spill: 1, max_bytes: 0 }, async (scene) => {
    await using door = await scene.door();
    const say = (text: string) => door.append("events", [record(text)]);
    await say("a");
    scene.weather.now = "away";
    await assert.rejects(say("b"), (error) => error instanceof Fault && error.code === "spill_full");
    scene.weather.now = "there";
    for (let refused = true; refused;) {
      refused = await say("c").then(() => false, () => true);
      await systemClock.sleep(1);
    }
    assert.deepEqual((await scene.stored())[0], ["key-a:a", "key-c:c"]);
  }));

Deno.test("SpillingLog passes on a refusal that is the sender's, and other topics are the broker's own", () =>
  withScene({ topic: 1, spill: 1 }, async (scene) => {
    await using door = await scene.door();
    const huge = record("", 0, { value: new Uint8Array(9 * 1024 * 1024) });
    await assert.rejects(
      door.append("events", [huge]),
      (error) => error instanceof Fault && error.blame === "sender",
    );
    scene.weather.now = "away";
    await assert.rejects(door.append("alerts", [record("a")]), /away/);
    assert.equal(door.state.records, 0);
  }));

Deno.test("an append that comes when the spill is found empty does not get lost behind its end", () =>
  withScene({ topic: 1, spill: 1 }, async (scene) => {
    const door = await scene.door();
    scene.weather.now = "away";
    await door.append("events", [record("a")]);
    scene.gate.close();
    scene.weather.now = "there";
    // The first read finds "a" and the second one nothing; the append comes between that and the end of the spill.
    await scene.gate.someoneWaits;
    scene.gate.open();
    scene.gate.close();
    while ((await scene.stored())[0].length === 0) await systemClock.sleep(1);
    await scene.gate.someoneWaits;
    const late = door.append("events", [record("b")]);
    await systemClock.sleep(5);
    scene.gate.open();
    await late;
    await drained(door);
    await door[Symbol.asyncDispose]();
    await using again = await scene.door();
    assert.equal(again.state.records, 0);
    assert.deepEqual((await scene.stored())[0], ["key-a:a", "key-b:b"]);
  }));

Deno.test("a call of which some records wait and the others find the broker away again is spilled whole", () =>
  withScene({ topic: 2, spill: 2, piece_records: 1 }, async (scene) => {
    await using door = await scene.door();
    const [k0, k1] = [0, 1].map((p) =>
      Array.from({ length: 9 }, (_, i) => `k${i}`).find((k) => partitionOf(k, 2) === p)!
    );
    scene.weather.now = "away";
    for (const text of ["1", "2", "3"]) await door.append("events", [keyed(k0, text, 2)]);
    scene.gate.close();
    scene.weather.now = "there";
    await scene.gate.someoneWaits;
    scene.gate.open();
    scene.gate.close();
    while ((await scene.stored())[0].length === 0) await systemClock.sleep(1);
    await scene.gate.someoneWaits;
    scene.weather.now = "away";
    await door.append("events", [keyed(k0, "4", 2), keyed(k1, "1", 2)]);
    assert.equal(door.state.records, 4);
    scene.weather.now = "there";
    scene.gate.open();
    await drained(door);
    const wanted = ["1", "2", "3", "4"].map((text) => `${k0}:${text}`);
    assert.deepEqual(await scene.stored(), [wanted, [`${k1}:1`]]);
  }));
