import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { planTake } from "../../lib/lake/take.ts";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";

const LIMITS = { max_rows: 1_000, max_bytes: 1_000_000, max_days: 100 };

function checkpoint(number: number, offsets: [number, number], rows: number, previous: number): Checkpoint {
  return {
    format: 1,
    partition: 0,
    number,
    previous: number - 1,
    write_id: `w${number}`,
    epoch: 1,
    log: { id: "log", partitions: 1 },
    first_offset: offsets[0],
    next_offset: offsets[1],
    watermark_ms: null,
    log_time_ms: null,
    segment: null,
    state: { image: null, after: 0, changed_bytes: 0 },
    tables: rows > 0 ? { t: { rows, previous } } : {},
    totals: {},
    newest_with_events: 0,
    sources: {},
    taken_over: {},
    decided_at: 0,
  };
}

const taken = (applied: Record<string, { number: number; next_offset: number }>, chain: Checkpoint[]) =>
  planTake("t", applied, new Map([[0, chain]]), LIMITS);

Deno.test("planTake takes everything above what is applied", () => {
  const plan = taken({ 0: { number: 1, next_offset: 10 } }, [
    checkpoint(1, [0, 10], 5, 0),
    checkpoint(2, [10, 20], 5, 1),
    checkpoint(3, [20, 20], 0, 0),
    checkpoint(4, [20, 30], 5, 2),
  ]);
  deepStrictEqual(plan?.checkpoints.map((one) => one.number), [2, 4]);
  deepStrictEqual(plan?.applied, { 0: { number: 4, next_offset: 30 } });
  strictEqual(plan?.rows, 10);
});

Deno.test("planTake has nothing to do where no rows are new", () => {
  strictEqual(
    taken({ 0: { number: 1, next_offset: 10 } }, [
      checkpoint(1, [0, 10], 5, 0),
      checkpoint(2, [10, 10], 0, 0),
    ]),
    null,
  );
});

Deno.test("planTake moves no mark back, however old the look at a partition is", () => {
  const applied = { 0: { number: 4, next_offset: 40 } };
  const old = [checkpoint(1, [0, 10], 5, 0), checkpoint(2, [10, 20], 5, 1)];
  const other = { ...checkpoint(1, [0, 10], 5, 0), partition: 1 };
  const plan = planTake("t", applied, new Map([[0, old], [1, [other]]]), LIMITS);
  deepStrictEqual(plan?.applied, { ...applied, 1: { number: 1, next_offset: 10 } });
  deepStrictEqual(plan?.checkpoints, [other]);
});

Deno.test("planTake waits at a gap in the listing", () => {
  const plan = taken({}, [checkpoint(1, [0, 10], 5, 0), checkpoint(3, [20, 30], 5, 2)]);
  deepStrictEqual(plan?.checkpoints.map((one) => one.number), [1]);
  deepStrictEqual(plan?.applied, { 0: { number: 1, next_offset: 10 } });
});

Deno.test("planTake waits at a gap that a checkpoint without rows tells of", () => {
  const later = { ...checkpoint(3, [20, 30], 0, 0), totals: { t: { newest: 2, rows: 10 } } };
  const plan = taken({}, [checkpoint(1, [0, 10], 5, 0), later]);
  deepStrictEqual(plan?.applied, { 0: { number: 1, next_offset: 10 } });
});

Deno.test("planTake passes a checkpoint whose offsets the table has, moving the mark, and stops at one that straddles", () => {
  const applied = { 0: { number: 2, next_offset: 20 } };
  deepStrictEqual(taken(applied, [checkpoint(3, [10, 20], 5, 1)]), {
    checkpoints: [],
    rows: 0,
    applied: { 0: { number: 3, next_offset: 20 } },
  });
  throws(() => taken(applied, [checkpoint(3, [10, 25], 5, 1)]), { code: "checkpoint_straddles" });
});

Deno.test("planTake stays within the rows of one commit, but takes one checkpoint at least", () => {
  const plan = planTake(
    "t",
    {},
    new Map([[0, [checkpoint(1, [0, 10], 5000, 0), checkpoint(2, [10, 20], 5, 1)]]]),
    LIMITS,
  );
  deepStrictEqual(plan?.checkpoints.map((one) => one.number), [1]);
});

Deno.test("planTake stays within the bytes of one commit", () => {
  const wide = (number: number, offsets: [number, number], previous: number): Checkpoint => ({
    ...checkpoint(number, offsets, 5, previous),
    segment: { key: `s${number}`, size_bytes: 900_000, index_sha256: "" },
  });
  const chain = [wide(1, [0, 10], 0), wide(2, [10, 20], 1), wide(3, [20, 30], 2)];
  deepStrictEqual(taken({}, chain)?.checkpoints.map((one) => one.number), [1, 2]);
});

Deno.test("planTake stays within the days of one commit", () => {
  const far = (number: number, offsets: [number, number], previous: number): Checkpoint => ({
    ...checkpoint(number, offsets, 5, previous),
    days: 60,
  });
  const chain = [far(1, [0, 10], 0), far(2, [10, 20], 1), far(3, [20, 30], 2)];
  deepStrictEqual(taken({}, chain)?.checkpoints.map((one) => one.number), [1, 2]);
});
