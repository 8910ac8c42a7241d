/** Time travel: which snapshot a moment means, and which snapshots are kept for it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Snapshot, TableMetadata } from "../../lib/iceberg/metadata.ts";
import { findSnapshot, retainedSnapshots } from "../../lib/iceberg/snapshot.ts";
import { expireSnapshots, newTableMetadata, withSnapshot } from "../../lib/iceberg/update.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function snapshot(sequence: number, at: number): Snapshot {
  return {
    "snapshot-id": 1000 + sequence,
    "sequence-number": sequence,
    "timestamp-ms": at,
    "manifest-list": `s3://b/t/metadata/snap-${sequence}.avro`,
    summary: { operation: "append" },
    "schema-id": 0,
  };
}

function tableOf(times: readonly number[]): TableMetadata {
  const empty = newTableMetadata({ uuid: "u", location: "s3://b/t", columns: [], partition: [], at: 0 });
  return times.reduce((metadata, at, i) => withSnapshot(metadata, snapshot(i + 1, at)), empty);
}

Deno.test("`findSnapshot` finds the current one, one by id, and the one of a moment", () => {
  const table = tableOf([100, 200, 200, 300]);
  assert.equal(findSnapshot(table)?.["snapshot-id"], 1004);
  assert.equal(findSnapshot(table, { snapshot: 1002 })?.["snapshot-id"], 1002);
  assert.equal(findSnapshot(table, { snapshot: 5 }), null);
  assert.equal(findSnapshot(table, { as_of: 99 }), null);
  assert.equal(findSnapshot(table, { as_of: 100 })?.["snapshot-id"], 1001);
  assert.equal(findSnapshot(table, { as_of: 299 })?.["snapshot-id"], 1003);
  assert.equal(findSnapshot(table, { as_of: 1e15 })?.["snapshot-id"], 1004);
  assert.equal(findSnapshot(tableOf([])), null);
  assert.equal(findSnapshot(tableOf([]), { as_of: 100 }), null);
});

Deno.test("`findSnapshot` does not take for empty what a table was at a moment that is no longer kept", () => {
  const table = tableOf([100, 200, 300]);
  const thinner = expireSnapshots(table, new Set([1002, 1003]), 300);
  assert.equal(findSnapshot(thinner, { as_of: 200 })?.["snapshot-id"], 1002);
  const at = (now: number) => ({ now: () => now });
  const gone = { code: "no_such_snapshot", blame: "sender" };
  assert.throws(() => findSnapshot(thinner, { as_of: 199 }), gone);
  assert.throws(() => findSnapshot(thinner, { as_of: 199 }, at(7 * DAY + 200)), gone);
  // Within the seven days what a table was is kept: before the first snapshot it was nothing.
  assert.equal(findSnapshot(thinner, { as_of: 199 }, at(7 * DAY)), null);
});

Deno.test("`retainedSnapshots` keeps every one of 10 minutes, one a minute for 2 hours, one an hour for 7 days", () => {
  const now = 100 * DAY;
  const every5s = Array.from({ length: 8 * 24 * 720 }, (_, i) => now - (8 * 24 * 720 - i) * 5000);
  const kept = retainedSnapshots(tableOfMany(every5s), now);
  const ages = every5s.filter((_, i) => kept.has(1001 + i)).map((at) => now - at);
  assert.ok(ages.filter((age) => age <= 10 * MINUTE).length >= 120);
  const minutes = ages.filter((age) => age > 11 * MINUTE && age <= 2 * HOUR).length;
  assert.ok(minutes >= 109 && minutes <= 110, `${minutes}`);
  const hours = ages.filter((age) => age > 3 * HOUR).length;
  assert.ok(hours >= 166 && hours <= 167, `${hours}`);
  assert.ok(Math.max(...ages) <= 7 * DAY + HOUR);
});

/** The same without the cost of growing the lists one by one. */
function tableOfMany(times: readonly number[]): TableMetadata {
  const snapshots = times.map((at, i) => snapshot(i + 1, at));
  return { ...tableOf([]), snapshots, "current-snapshot-id": snapshots.at(-1)?.["snapshot-id"] };
}

Deno.test("`retainedSnapshots` keeps what a table was when the seven days began", () => {
  const now = 100 * DAY;
  const table = tableOf([60 * DAY, 70 * DAY, now - DAY]);
  const kept = expireSnapshots(table, retainedSnapshots(table, now), now);
  assert.deepEqual(kept.snapshots.map((one) => one["snapshot-id"]), [1002, 1003]);
  assert.equal(findSnapshot(kept, { as_of: now - 2 * DAY })?.["snapshot-id"], 1002);
});

Deno.test("`retainedSnapshots` keeps the current one however old it is", () => {
  const table = tableOf([1, 2]);
  assert.deepEqual([...retainedSnapshots(table, 1000 * DAY)], [1002]);
});

Deno.test("thinning again and again keeps what thinning once keeps, so a moment keeps its answer", () => {
  const gap = fc.oneof(fc.integer({ min: 0, max: MINUTE }), fc.integer({ min: 0, max: 20 * MINUTE }));
  const gaps = fc.array(gap, { minLength: 20, maxLength: 80 });
  fc.assert(
    fc.property(
      gaps,
      fc.array(fc.integer({ min: 0, max: HOUR }), { minLength: 2, maxLength: 8 }),
      (steps, waits) => {
        let at = 100 * DAY;
        const table = tableOf(steps.map((gap) => at += gap));
        let now = at;
        let often = table;
        for (const wait of waits) {
          now += wait;
          often = expireSnapshots(often, retainedSnapshots(often, now), now);
        }
        const once = expireSnapshots(table, retainedSnapshots(table, now), now);
        const finally_ = expireSnapshots(often, retainedSnapshots(often, now), now);
        assert.deepEqual(finally_.snapshots, once.snapshots);
        assert.deepEqual(
          finally_["snapshot-log"].map((one) => one["snapshot-id"]),
          finally_.snapshots.map((one) => one["snapshot-id"]),
        );
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("`withSnapshot` refuses a snapshot that does not follow", () => {
  assert.throws(() => withSnapshot(tableOf([1]), snapshot(3, 5)), RangeError);
});
