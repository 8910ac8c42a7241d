/** History in chunks against a sorted list, long enough that chunks are split and dropped. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  backwards,
  type History,
  lastUpTo,
  latestTime,
  nextAfter,
  withItem,
  withoutOlder,
} from "../../lib/stream/sorted_history.ts";

type Item = readonly [time_us: number, id: number];

Deno.test("chunks look like one list, sorted by time and then by arrival", () => {
  const times = fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 300, size: "max" });
  fc.assert(
    fc.property(times, fc.integer({ min: -1, max: 91 }), (all, at) => {
      let history: History<Item> = [];
      const list: Item[] = [];
      all.forEach((time, id) => {
        history = withItem(history, [time, id]);
        list.push([time, id]);
      });
      list.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      assert.deepEqual([...backwards(history)].reverse(), list);
      assert.ok(history.every((chunk) => chunk.length > 0 && chunk.length <= 32));
      assert.deepEqual(lastUpTo(history, at), list.findLast(([time]) => time <= at) ?? null);
      const next = list.find(([time]) => time > at)?.[0];
      assert.deepEqual(nextAfter(history, at), list.findLast(([time]) => time === next) ?? null);
      if (list.length > 0) assert.equal(latestTime(history), list.at(-1)![0]);
      const kept = withoutOlder(history, at);
      assert.deepEqual(lastUpTo(kept, at), lastUpTo(history, at));
      assert.deepEqual(
        [...backwards(kept)].filter(([time]) => time > at),
        [...backwards(history)].filter(([time]) => time > at),
      );
    }),
    { numRuns: 60 },
  );
});

Deno.test("what a key may hold is bounded: the oldest go", () => {
  let history: History<Item> = [];
  for (let i = 0; i < 20_000; i++) history = withItem(history, [i, i]);
  assert.ok([...backwards(history)].length <= 512 * 32);
  assert.equal(latestTime(history), 19_999);
});

Deno.test("one item more shares all chunks but the one that it went into", () => {
  let history: History<Item> = [];
  for (let i = 0; i < 320; i++) history = withItem(history, [i, i]);
  const more = withItem(history, [5, 999]);
  assert.ok(history.filter((chunk) => !more.includes(chunk)).length === 1);
});
