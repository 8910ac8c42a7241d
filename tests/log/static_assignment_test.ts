/** Every partition has exactly one owner, who lets go when told to end. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { shareOf, StaticAssignment } from "../../lib/log/static_assignment.ts";

Deno.test("shareOf gives each partition to exactly one owner, and nobody two more than another", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 64 }), fc.integer({ min: 1, max: 9 }), (partitions, owners) => {
      const shares = Array.from({ length: owners }, (_, index) => shareOf({ partitions, index, owners }));
      const all = shares.flatMap((share) => [...share]).sort((a, b) => a - b);
      assert.deepEqual(all, Array.from({ length: partitions }, (_, p) => p));
      const sizes = shares.map((share) => share.size);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  );
  assert.throws(() => shareOf({ partitions: 4, index: 2, owners: 2 }), RangeError);
});

Deno.test("StaticAssignment gives its share, and takes it back when the signal aborts", async () => {
  const seen: number[][] = [];
  const control = new AbortController();
  await using assignment = new StaticAssignment({ partitions: 5, index: 1, owners: 2 });
  const following = assignment.follow((owned) => {
    seen.push([...owned]);
    if (owned.size > 0) setTimeout(() => control.abort(), 1);
    return Promise.resolve();
  }, control.signal);
  await following;
  assert.deepEqual(seen, [[1, 3], []]);
  await assignment.advise();
});

Deno.test("StaticAssignment ends when it is closed, and rejects when letting go fails", async () => {
  const assignment = new StaticAssignment({ partitions: 2 });
  const failing = assignment.follow((owned) => {
    if (owned.size === 0) return Promise.reject(new Error("undecided"));
    queueMicrotask(() => assignment[Symbol.asyncDispose]());
    return Promise.resolve();
  }, new AbortController().signal);
  await assert.rejects(failing, /undecided/);
});
