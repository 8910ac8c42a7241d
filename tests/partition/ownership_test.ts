/** When an owner claims, decides and stops: the sentences of the protocol that are about time and about refusing. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { claim } from "../../lib/checkpoint/claim.ts";
import { checkpointKey } from "../../lib/checkpoint/paths.ts";
import { openSqliteLog, type SqliteLog } from "../../lib/log/sqlite_log.ts";
import { type OwnerContext, ownPartition } from "../../lib/partition/owner.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { quickFolder } from "../quick_folder.ts";
import { append, decided, watched } from "./small_partition.ts";

interface Scene {
  folder: string;
  log: SqliteLog;
  store: ObjectStore;
  context: OwnerContext;
  caughtUp: Promise<void>;
  /** What the context's alarms and warnings said. */
  told: string[];
}

async function withScene(records: number, play: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = await quickFolder();
  try {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await using store = await openDiskStore(`${folder}/store`);
    for (let i = 1; i <= records; i++) await append(log, i);
    const { context, caughtUp } = await watched(log, store, records);
    const told: string[] = [];
    const tell = (message: string) => void told.push(message);
    const events = { ...context.events, warn: tell, alarm: tell };
    await play({ folder, log, store, context: { ...context, events }, caughtUp, told });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Owns the partition until `until` resolves. */
async function own(context: OwnerContext, until: Promise<unknown>): Promise<void> {
  const abort = new AbortController();
  const done = ownPartition(0, context, abort.signal);
  await Promise.race([until, done]);
  abort.abort();
  await done;
}

/** Claims the partition as another owner would. */
async function claimed(scene: Scene): Promise<Checkpoint> {
  const chain = new CheckpointChain(scene.store, 0, () => Promise.resolve());
  const answer = await claim(chain, {
    log: scene.context.identity,
    log_begin: 0,
    newId: () => crypto.randomUUID(),
    now: () => 0,
    alarm: () => undefined,
  });
  ok(answer.outcome === "claimed");
  return answer.fence;
}

/** Somebody else acts while the store's first segment is on its way, and before its checkpoint. */
function beforeFirstSegment(store: ObjectStore, act: () => Promise<unknown>): void {
  const create = store.create.bind(store);
  let isFirst = true;
  store.create = async (key, body, signal) => {
    if (isFirst && key.startsWith("segments/")) {
      isFirst = false;
      await act();
    }
    return await create(key, body, signal);
  };
}

Deno.test("an owner that was taken over claims again only when the newest stood still for two intervals", () =>
  withScene(3, async (scene) => {
    const slept: number[] = [];
    const context: OwnerContext = {
      ...scene.context,
      checkpoint_ms: 10,
      clock: {
        now: () => Date.now(),
        // The other owner goes on deciding during the first two waits.
        sleep: async (ms) => void (slept.push(ms) <= 2 && await claimed(scene)),
      },
    };
    beforeFirstSegment(scene.store, () => claimed(scene));
    await own(context, scene.caughtUp);
    deepStrictEqual(slept, [20, 20, 20], "two waits saw somebody at work, the third one nobody");
    ok(scene.told.some((message) => message.includes("was taken over")), scene.told.join());
    strictEqual((await decided(scene.folder)).rows.length, 3);
  }));

Deno.test("an owner that is asked to go decides first", () =>
  withScene(3, async (scene) => {
    const abort = new AbortController();
    const processed = Promise.withResolvers<void>();
    const context: OwnerContext = {
      ...scene.context,
      checkpoint_ms: 1e9,
      clock: { ...scene.context.clock, now: () => 0 },
      newProcessor: (partition) => {
        const processor = scene.context.newProcessor(partition);
        const accept = processor.accept.bind(processor);
        processor.accept = (record, segment) => {
          if (record.offset === 2) processed.resolve();
          return accept(record, segment);
        };
        return processor;
      },
    };
    const done = ownPartition(0, context, abort.signal);
    await processed.promise;
    abort.abort();
    await done;
    strictEqual((await decided(scene.folder)).last.next_offset, 3);
  }));

Deno.test("the first decision after a claim comes within a second of the first record, whatever the interval", () =>
  withScene(3, async (scene) => {
    let now = 0;
    const context: OwnerContext = {
      ...scene.context,
      checkpoint_ms: 3_600_000,
      clock: { ...scene.context.clock, now: () => now },
      log: {
        ...scene.context.log,
        read: async (...args) => {
          const records = await scene.context.log.read(...args);
          // Time passes only where there is nothing to read.
          if (records.length === 0) now += 100;
          if (now > 10_000) throw new RangeError("It does not decide");
          return records;
        },
      },
    };
    await own(context, scene.caughtUp);
    ok(now <= 1_100, `${now} ms`);
  }));

Deno.test("a clock that was set back makes a decision due, and not an hour late", () =>
  withScene(3, async (scene) => {
    let now = 3_600_000;
    const context: OwnerContext = {
      ...scene.context,
      checkpoint_ms: 1_000,
      clock: { ...scene.context.clock, now: () => now },
      newProcessor: (partition) => {
        const processor = scene.context.newProcessor(partition);
        const accept = processor.accept.bind(processor);
        processor.accept = (record, segment) => {
          if (record.offset === 2) now = 0;
          return accept(record, segment);
        };
        return processor;
      },
    };
    let reads = 0;
    const read: OwnerContext["log"]["read"] = (...args) => {
      if (++reads > 100) throw new RangeError("It does not decide");
      return scene.context.log.read(...args);
    };
    await own({ ...context, log: { ...context.log, read } }, scene.caughtUp);
  }));

Deno.test("an owner stops when the log begins after its offset, or ends before it, and says how much is gone", () =>
  withScene(6, async (scene) => {
    await own(scene.context, scene.caughtUp);
    const { log } = scene.context;
    const at = (begin: number, end: number): OwnerContext => ({
      ...scene.context,
      log: {
        ...log,
        bounds: () => Promise.resolve({ begin, end }),
        read: () => Promise.reject(new RangeError("It reads on")),
      },
    });
    const { signal } = new AbortController();
    await rejects(ownPartition(0, at(9, 20), signal), { code: "data_loss", message: /3 records are gone/ });
    await rejects(ownPartition(0, at(0, 4), signal), { code: "log_shorter" });
    strictEqual((await decided(scene.folder)).rows.length, 6, "nothing was read on");
  }));

Deno.test("an owner does not begin anew where tables hold rows and no checkpoint is left", () =>
  withScene(3, async (scene) => {
    const marks = [{ number: 0, next_offset: 0 }, { number: 1, next_offset: 2 }];
    const abort = new AbortController();
    const events = { ...scene.context.events, claimed: () => abort.abort() };
    const context = { ...scene.context, events, applied: () => Promise.resolve(marks) };
    const owning = ownPartition(0, context, abort.signal);
    await rejects(owning, {
      code: "checkpoints_lost",
      message: /up to checkpoint 1, but its newest .* is 0/,
    });
    deepStrictEqual(await context.chain.numbers(), [], "nothing was claimed");
  }));

Deno.test("an owner does not use numbers once more that tables have applied", () =>
  withScene(6, async (scene) => {
    await own(scene.context, scene.caughtUp);
    const numbers = await scene.context.chain.numbers();
    const marks = [{ number: numbers.at(-1)!, next_offset: 6 }];
    const abort = new AbortController();
    const events = { ...scene.context.events, claimed: () => abort.abort() };
    const context = { ...scene.context, events, applied: () => Promise.resolve(marks) };
    await scene.store.delete([checkpointKey(0, numbers.at(-1)!)]);
    const owning = ownPartition(0, context, abort.signal);
    await rejects(owning, { code: "checkpoints_lost", message: /its newest checkpoint is/ });
    deepStrictEqual(await context.chain.numbers(), numbers.slice(0, -1), "nothing was claimed");
  }));

Deno.test("no segment crosses an offset that some table has applied", () =>
  withScene(6, async (scene) => {
    await claimed(scene);
    // Most tables stand at the same place.
    const marks = [0, 4, 2, 4, 4, 2].map((next_offset) => ({ number: next_offset && 1, next_offset }));
    const context = { ...scene.context, applied: () => Promise.resolve(marks) };
    await own(context, scene.caughtUp);
    const chain = new CheckpointChain(scene.store, 0, () => Promise.resolve());
    const checkpoints = await Promise.all((await chain.numbers()).map((number) => chain.read(number)));
    const ends = checkpoints.map((one) => one!.next_offset);
    ok(ends.includes(2) && ends.includes(4), ends.join());
    for (const one of checkpoints) {
      strictEqual(one!.tables["raw.events"]?.rows ?? 0, one!.next_offset - one!.first_offset);
    }
    strictEqual((await decided(scene.folder)).rows.length, 6);
  }));

Deno.test("a checkpoint names for each table the one before with rows, and all its rows so far", () =>
  withScene(12, async (scene) => {
    await own(scene.context, scene.caughtUp);
    const chain = new CheckpointChain(scene.store, 0, () => Promise.resolve());
    let newest = 0;
    let rows = 0;
    for (const number of await chain.numbers()) {
      const { tables, totals } = (await chain.read(number))!;
      const own = tables["raw.events"];
      if (own) {
        strictEqual(own.previous, newest);
        newest = number;
        rows += own.rows;
      }
      deepStrictEqual(totals["raw.events"], newest === 0 ? undefined : { newest, rows });
    }
    strictEqual(rows, 12);
  }));

Deno.test("an owner that lost a decision drops everything, and whoever won is not overwritten", () =>
  withScene(6, async (scene) => {
    const other = await watched(scene.log, scene.store, 6);
    beforeFirstSegment(scene.store, () => own(other.context, other.caughtUp));
    await own(scene.context, scene.caughtUp);
    const { rows, last } = await decided(scene.folder);
    deepStrictEqual(rows.map((row) => (row as { log_offset: number }).log_offset), [0, 1, 2, 3, 4, 5]);
    strictEqual(last.sources.test.rows, 6);
  }));

Deno.test("a segment touches so many days at most, whatever a batch holds", () =>
  withScene(650, async (scene) => {
    let days = 0;
    const context: OwnerContext = {
      ...scene.context,
      checkpoint_ms: 1e9,
      newProcessor: (partition) => {
        const processor = scene.context.newProcessor(partition);
        const accept = processor.accept.bind(processor);
        // Every record lies on a day of its own.
        processor.accept = (...args) => {
          days++;
          return accept(...args);
        };
        processor.openDays = () => days;
        processor.beginSegment = () => days = 0;
        return processor;
      },
      log: scene.log,
    };
    const three = Promise.withResolvers<void>();
    let count = 0;
    const decidedOne = () => void (++count === 3 && three.resolve());
    await own({ ...context, events: { ...context.events, decided: decidedOne } }, three.promise);
    const chain = new CheckpointChain(scene.store, 0, () => Promise.resolve());
    const all = await Promise.all((await chain.numbers()).map((number) => chain.read(number)));
    const sizes = all.map((one) => one!.next_offset - one!.first_offset);
    ok(sizes.every((size) => size <= 200), sizes.join());
    strictEqual((await decided(scene.folder)).rows.length, 650);
  }));
