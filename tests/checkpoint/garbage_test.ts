/**
 * Garbage of a partition. Invariants: the two newest checkpoints can be restored from, every row that some table lacks
 * is there, nothing of a writer that may still win is touched, and what is left does not grow with age.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Checkpoint, CHECKPOINT_FORMAT } from "../../lib/checkpoint/checkpoint.ts";
import {
  partitionGarbage,
  type PartitionNeeds,
  type PartitionObjects,
} from "../../lib/checkpoint/garbage.ts";
import { imageKey, segmentKey } from "../../lib/checkpoint/paths.ts";

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

function segmentOf(first: number, next: number, epoch = 1, n = 0): string {
  return segmentKey({ partition: 0, first_offset: first, last_offset: next - 1, epoch, uuid: uuid(n) });
}

interface Step {
  /** Rows by table; null: a fence. */
  tables: readonly string[] | null;
  image?: boolean;
}

/** A chain in which each step covers ten offsets. */
function chainOf(steps: readonly Step[]): Checkpoint[] {
  const chain: Checkpoint[] = [];
  for (const [i, { tables, image }] of steps.entries()) {
    const last = chain.at(-1);
    const number = i + 1;
    const first_offset = last?.next_offset ?? 0;
    const next_offset = tables === null ? first_offset : first_offset + 10;
    const totals = { ...last?.totals };
    const epoch = (last?.epoch ?? 0) + (tables === null ? 1 : 0);
    const own: Checkpoint["tables"] = {};
    for (const table of tables ?? []) {
      own[table] = { rows: 1, previous: totals[table]?.newest ?? 0 };
      totals[table] = { newest: number, rows: (totals[table]?.rows ?? 0) + 1 };
    }
    const reference = (key: string) => ({ key, size_bytes: 1, index_sha256: "" });
    const state = last?.state ?? { image: null, after: 0, changed_bytes: 0 };
    chain.push({
      format: CHECKPOINT_FORMAT,
      partition: 0,
      number,
      previous: last?.number ?? 0,
      write_id: String(number),
      epoch,
      log: { id: "log", partitions: 1 },
      first_offset,
      next_offset,
      watermark_ms: null,
      log_time_ms: null,
      segment: tables === null ? null : reference(segmentOf(first_offset, next_offset, epoch, number)),
      state: image
        ? { image: reference(imageKey(0, number, uuid(number))), after: number, changed_bytes: 0 }
        : state,
      tables: own,
      totals,
      newest_with_events: number,
      sources: {},
      taken_over: {},
      decided_at: 0,
    });
  }
  return chain;
}

function objectsOf(chain: readonly Checkpoint[], more: Partial<PartitionObjects> = {}): PartitionObjects {
  return {
    numbers: chain.map((one) => one.number),
    checkpoints: new Map(chain.map((one) => [one.number, one])),
    segments: chain.flatMap((one) => one.segment ? [one.segment.key] : []),
    images: [...new Set(chain.flatMap((one) => one.state.image ? [one.state.image.key] : []))],
    ...more,
  };
}

const all = (number: number): PartitionNeeds => ({ applied: () => number, keep_from: 0 });
const rows: Step = { tables: ["raw.events"] };
const image: Step = { tables: ["raw.events"], image: true };
const fence: Step = { tables: null };

Deno.test("an image lets everything before it go, but for the two newest checkpoints", () => {
  const chain = chainOf([fence, rows, rows, image, rows, rows]);
  const garbage = partitionGarbage(objectsOf(chain), all(6));
  deepStrictEqual(garbage.checkpoints, [1, 2, 3, 4]);
  deepStrictEqual(garbage.segments, [2, 3, 4].map((number) => chain[number - 1].segment!.key));
  deepStrictEqual(garbage.images, []);
  deepStrictEqual(garbage.log_from, 40);
});

Deno.test("the older of the two newest still needs what was before a fresh image", () => {
  const chain = chainOf([fence, rows, image, rows, image]);
  const garbage = partitionGarbage(objectsOf(chain), all(5));
  deepStrictEqual(garbage.images, []);
  deepStrictEqual(garbage.checkpoints, [1, 2, 3]);
  deepStrictEqual(garbage.segments, [chain[1].segment!.key, chain[2].segment!.key]);
});

Deno.test("rows that one table lacks keep their segment, its checkpoint and the log; others' segments go", () => {
  const chain = chainOf([
    fence,
    rows,
    { tables: ["raw.events", "analytics.alerts"] },
    rows,
    image,
    rows,
    rows,
  ]);
  const applied = (table: string) => table === "analytics.alerts" ? 2 : 7;
  const garbage = partitionGarbage(objectsOf(chain), { applied, keep_from: 0 });
  deepStrictEqual(garbage.checkpoints, [1, 2]);
  deepStrictEqual(garbage.segments, [1, 3, 4].map((at) => chain[at].segment!.key));
  deepStrictEqual(garbage.log_from, 10);
});

Deno.test("a table that does not exist has applied nothing", () => {
  const chain = chainOf([fence, rows, image, rows, rows]);
  const garbage = partitionGarbage(objectsOf(chain), all(0));
  deepStrictEqual([garbage.checkpoints, garbage.segments], [[1], []]);
});

Deno.test("without image all state changes are kept, and so are their checkpoints", () => {
  const chain = chainOf([fence, rows, rows, rows, rows]);
  deepStrictEqual(partitionGarbage(objectsOf(chain), all(5)), {
    segments: [],
    images: [],
    checkpoints: [],
    log_from: 30,
  });
});

Deno.test("an unnamed segment goes only when its writer is fenced, by epoch or by offset", () => {
  const chain = chainOf([fence, rows, fence, image, rows]);
  const behind = segmentOf(10, 17, 1, 77);
  const open = segmentOf(30, 40, 2, 78);
  const beyond = segmentOf(20, 40, 2, 79);
  const next = segmentOf(40, 50, 3, 80);
  const segments = [...objectsOf(chain).segments, behind, open, beyond, next];
  deepStrictEqual(chain.at(-1)!.next_offset, 30);
  deepStrictEqual(partitionGarbage(objectsOf(chain, { segments }), all(5)).segments, [
    chain[1].segment!.key,
    chain[3].segment!.key,
    behind,
    beyond,
  ]);
});

Deno.test("an image that is not named goes when its checkpoint was decided without it", () => {
  const chain = chainOf([fence, rows, image, rows]);
  const [lost, coming] = [imageKey(0, 4, uuid(90)), imageKey(0, 5, uuid(91))];
  const images = [...objectsOf(chain).images, lost, coming];
  deepStrictEqual(partitionGarbage(objectsOf(chain, { images }), all(4)).images, [lost]);
});

Deno.test("nothing goes while one of the two newest cannot be read", () => {
  const chain = chainOf([fence, rows, image, rows, rows]);
  for (const damaged of [4]) {
    const checkpoints = new Map(
      chain.filter((one) => one.number !== damaged).map((one) => [one.number, one]),
    );
    deepStrictEqual(partitionGarbage(objectsOf(chain, { checkpoints }), all(5)).checkpoints, []);
  }
  deepStrictEqual(partitionGarbage(objectsOf([]), all(0)).checkpoints, []);
  deepStrictEqual(partitionGarbage(objectsOf(chainOf([fence])), all(0)).checkpoints, []);
});

Deno.test("a damaged checkpoint in the middle keeps the segment that it may name", () => {
  const chain = chainOf([fence, rows, image, rows, rows, rows]);
  const checkpoints = new Map(chain.filter((one) => one.number !== 4).map((one) => [one.number, one]));
  const applied = (table: string) => table === "raw.events" ? 3 : 0;
  const garbage = partitionGarbage(objectsOf(chain, { checkpoints }), { applied, keep_from: 0 });
  ok(!garbage.segments.includes(chain[3].segment!.key));
});

Deno.test("rows that some table lacks stay below a gap of the listing too", () => {
  const chain = chainOf([fence, rows, rows, rows, image, rows, rows]);
  const listed = chain.filter((one) => one.number !== 4);
  const garbage = partitionGarbage(objectsOf(listed), all(2));
  deepStrictEqual([garbage.checkpoints, garbage.log_from], [[1, 2], 10]);
  ok(!garbage.segments.includes(chain[2].segment!.key));
});

Deno.test("ghosts below the newest go from the bottom up with all others", () => {
  const chain = chainOf([fence, rows, rows, image, rows, rows]);
  const alive = chain.slice(3);
  const ghost = chain[1];
  const garbage = partitionGarbage(objectsOf([ghost, ...alive]), all(6));
  deepStrictEqual(garbage.checkpoints, [2, 4]);
});

const TABLES = ["raw.events", "processed.transactions", "analytics.alerts"];
const step = fc.record({
  tables: fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 6, arbitrary: fc.subarray(TABLES, { minLength: 1 }) },
  ),
  image: fc.boolean(),
}).map(({ tables, image }): Step => ({ tables, image: image && tables !== null }));

/** Numbers and segments that a restore from `newest` reads, as restore.ts does it. */
function restored(newest: Checkpoint, chain: readonly Checkpoint[]) {
  const walked: Checkpoint[] = [];
  for (let at: Checkpoint | undefined = newest; at && at.number > newest.state.after;) {
    walked.push(at);
    if (at.previous <= newest.state.after) break;
    const number: number = at.previous;
    at = chain.find((one) => one.number === number);
  }
  return walked;
}

Deno.test("whatever the history, restores and tables find what they need, again and again", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 2, maxLength: 30 }),
      fc.array(fc.nat({ max: 30 }), { minLength: TABLES.length, maxLength: TABLES.length }),
      fc.nat({ max: 10 }),
      (steps, marks, removedAlready) => {
        const chain = chainOf([fence, ...steps]);
        const applied = (table: string) => Math.min(marks[TABLES.indexOf(table)], chain.length);
        const whole = partitionGarbage(objectsOf(chain), { applied, keep_from: 0 });
        // A collector that died in the middle: some of the dead are gone already.
        const gone = new Set(whole.checkpoints.slice(0, removedAlready));
        const left = chain.filter((one) => !gone.has(one.number));
        const objects = objectsOf(left, { segments: objectsOf(chain).segments });
        const garbage = partitionGarbage(objects, { applied, keep_from: 0 });
        const dead = new Set([...gone, ...garbage.checkpoints]);
        const deadObjects = new Set([...garbage.segments, ...garbage.images]);
        deepStrictEqual([...dead].sort((a, b) => a - b), whole.checkpoints);
        for (const newest of chain.slice(-2)) {
          ok(!deadObjects.has(newest.state.image?.key ?? ""));
          for (const one of restored(newest, chain)) {
            ok(!dead.has(one.number) && !deadObjects.has(one.segment?.key ?? ""));
          }
        }
        for (const one of chain) {
          const lacks = Object.keys(one.tables).some((table) => applied(table) < one.number);
          if (lacks) ok(!dead.has(one.number) && !deadObjects.has(one.segment!.key));
        }
        ok(!dead.has(chain.length) && !dead.has(chain.length - 1));
      },
    ),
  );
});
