/**
 * The owner's promise under enumerated faults: whatever call fails or crashes, once somebody finishes the work the decided
 * segments hold every record exactly once, in order, with the state that an undisturbed run has.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { Fault } from "../../lib/errors.ts";
import type { EventLog } from "../../lib/log/log.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { ownPartition } from "../../lib/partition/owner.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { Crash, FAULT_KINDS, FaultPlan } from "../faults/fault_plan.ts";
import { faultyStore } from "../faults/faulty_store.ts";
import { quickFolder } from "../quick_folder.ts";
import { eventually } from "../waiting.ts";
import { CountingProcessor } from "./counting_processor.ts";
import { append, decided, watched } from "./small_partition.ts";

const RECORDS = 12;

async function seed(folder: string): Promise<void> {
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  for (let i = 1; i <= RECORDS; i++) await append(log, i);
}

/** An image is due with the first checkpoint, which opening a segment alone makes worth it, and takes some batches. */
const slowImages = { image_floor_bytes: 80_000, newProcessor: () => new CountingProcessor(4) };

/** Owns the partition until everything is decided or the plan's crash comes. */
async function work(folder: string, plan: FaultPlan): Promise<void> {
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using disk = await openDiskStore(`${folder}/store`);
  const { context, caughtUp } = await watched(log, faultyStore(disk, plan), RECORDS);
  const abort = new AbortController();
  const done = ownPartition(0, { ...context, ...slowImages }, abort.signal);
  await Promise.race([caughtUp, done]).catch((error) => {
    if (!(error instanceof Crash)) throw error;
  });
  abort.abort();
  await done.catch((error) => {
    if (!(error instanceof Crash) && !plan.crashed) throw error;
  });
}

const expected = Array.from({ length: RECORDS }, (_, i) => ({
  log_offset: i,
  value: i + 1,
  sum: ((i + 1) * (i + 2)) / 2,
}));

async function scenario(plan: FaultPlan): Promise<Checkpoint> {
  const folder = await quickFolder();
  try {
    await seed(folder);
    await work(folder, plan);
    if (plan.crashed) await work(folder, FaultPlan.none());
    const { rows, last } = await decided(folder);
    deepStrictEqual(rows, expected);
    strictEqual(last.sources.test.rows, RECORDS);
    strictEqual(last.totals["raw.events"].rows, RECORDS);
    return last;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ownPartition decides every record once, whatever call of the store fails or crashes", async () => {
  const undisturbed = FaultPlan.none();
  const { state, number } = await scenario(undisturbed);
  ok(undisturbed.calls > 10);
  ok(state.image && state.after < number - 1, "the image was made over several checkpoints");
  for (let call = 1; call <= undisturbed.calls; call++) {
    for (const kind of FAULT_KINDS) {
      try {
        await scenario(FaultPlan.at(call, kind));
      } catch (error) {
        throw new Error(`${kind} at call ${call} (${undisturbed.names[call - 1]})`, { cause: error });
      }
    }
  }
});

Deno.test("two owners that both believe they own a partition decide every record once", async () => {
  const folder = await quickFolder();
  await seed(folder);
  await Promise.all([work(folder, FaultPlan.none()), work(folder, FaultPlan.none())]);
  deepStrictEqual((await decided(folder)).rows, expected);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a checkpoint is decided only after its results were acknowledged", async () => {
  const folder = await quickFolder();
  await seed(folder);
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using store = await openDiskStore(`${folder}/store`);
  const { context, caughtUp } = await watched(log, store, RECORDS);
  const acknowledged = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const append: EventLog["append"] = async (topic, records) => {
    if (topic === "aggregates") {
      asked.resolve();
      await acknowledged.promise;
    }
    return await log.append(topic, records);
  };
  const abort = new AbortController();
  const done = ownPartition(0, { ...context, log: { ...context.log, append } }, abort.signal);
  await asked.promise;
  // Long enough for many decisions, were they not held back; the fence alone is there.
  await systemClock.sleep(200);
  deepStrictEqual(await context.chain.numbers(), [1]);
  acknowledged.resolve();
  await caughtUp;
  abort.abort();
  await done;
  deepStrictEqual((await decided(folder)).rows, expected);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an owner that got on between two faults does not wait longer after the second", async () => {
  const folder = await quickFolder();
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    for (let i = 1; i <= 60; i++) await append(log, i);
    const { context, caughtUp } = await watched(log, store, 60);
    let sends = 0;
    const failing: EventLog["append"] = (topic, records) =>
      topic === "aggregates" && ++sends % 3 === 0
        ? Promise.reject(new Fault("away", "Cannot append", { blame: "dependency", retry: "after_backoff" }))
        : log.append(topic, records);
    const pauses: number[] = [];
    const sleep: Clock["sleep"] = (ms, signal) => {
      pauses.push(ms);
      return context.clock.sleep(ms, signal);
    };
    const own = { ...context, clock: { ...context.clock, sleep }, log: { ...context.log, append: failing } };
    const abort = new AbortController();
    const done = ownPartition(0, own, abort.signal);
    await Promise.race([caughtUp, done]);
    abort.abort();
    await done;
    ok(pauses.length > 3, pauses.join());
    deepStrictEqual(new Set(pauses), new Set([500]));
  }
  deepStrictEqual((await decided(folder)).rows.length, 60);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an owner turns while there is nothing to do, and no more once its log does not answer", async () => {
  const folder = await quickFolder();
  await seed(folder);
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
  await using store = await openDiskStore(`${folder}/store`);
  const { context, caughtUp } = await watched(log, store, RECORDS);
  let turns = 0;
  let hangs = false;
  const hanging = Promise.withResolvers<void>();
  const never = Promise.withResolvers<never>();
  const read: EventLog["read"] = (...asked) => {
    if (!hangs) return context.log.read(...asked);
    hanging.resolve();
    return never.promise;
  };
  const abort = new AbortController();
  const events = { ...context.events, turned: () => void turns++ };
  const done = ownPartition(0, { ...context, events, log: { ...context.log, read } }, abort.signal);
  await caughtUp;
  const before = turns;
  while (turns < before + 5) await systemClock.sleep(1);
  hangs = true;
  await hanging.promise;
  const still = turns;
  await systemClock.sleep(50);
  strictEqual(turns, still);
  abort.abort();
  never.reject(abort.signal.reason);
  await done;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what is read and cannot be decided is told as a lag", async () => {
  const folder = await quickFolder();
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    for (let i = 1; i <= 3; i++) await append(log, i);
    const { context } = await watched(log, store, 3);
    const abort = new AbortController();
    const told: { records: number; seconds: number }[] = [];
    const lag = (_partition: number, records: number, seconds: number) =>
      void told.push({ records, seconds });
    const own = { ...context, checkpoint_ms: 3_600_000, events: { ...context.events, lag } };
    // The first decision comes early; what comes after it waits for the interval.
    const done = ownPartition(0, own, abort.signal);
    await append(log, 4);
    await eventually(() => Promise.resolve(told), (all) => all.some(({ records }) => records > 0));
    abort.abort();
    await done;
    // Their age, and not how long they are in hand: they came in 1970.
    ok(told.filter(({ records }) => records > 0).every(({ seconds }) => seconds > 1_000_000_000));
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a lag is not below nothing while the clock is behind the time of the log", async () => {
  const folder = await quickFolder();
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    const ahead_ms = Date.now() + 3_600_000;
    for (let i = 0; i < 20; i++) await append(log, ahead_ms + i);
    const { context, caughtUp } = await watched(log, store, 20);
    const abort = new AbortController();
    const told: number[] = [];
    const lag = (_partition: number, _records: number, seconds: number) => void told.push(seconds);
    const done = ownPartition(0, { ...context, events: { ...context.events, lag } }, abort.signal);
    await caughtUp;
    abort.abort();
    await done;
    ok(told.length > 0);
    ok(told.every((seconds) => seconds >= 0), told.join());
  }
  await Deno.remove(folder, { recursive: true });
});
