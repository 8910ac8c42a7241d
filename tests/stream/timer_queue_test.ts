/** Timers come due once, not before their time, in whatever order they were set. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { TimerQueue } from "../../lib/stream/timer_queue.ts";

Deno.test("`takeDue` gives exactly the timers up to a moment, and `next` the earliest left", () => {
  const time = fc.oneof(
    fc.integer({ min: 0, max: 8_000_000 }),
    fc.constantFrom(0, 1_000_000, 999_999, 2_000_000),
  );
  const action = fc.oneof(fc.record({ push: time }), fc.record({ take: time }));
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const queue = new TimerQueue();
    let waiting: [number, string][] = [];
    actions.forEach((one, index) => {
      if ("push" in one) {
        queue.push(one.push, `k${index}`);
        waiting.push([one.push, `k${index}`]);
      } else {
        const due = new Set<string>();
        if (waiting.some(([time]) => time <= one.take)) assert.ok(queue.hasDue(one.take));
        queue.takeDue(one.take, due);
        assert.deepEqual(
          [...due].sort(),
          waiting.filter(([time]) => time <= one.take).map(([, key]) => key).sort(),
        );
        waiting = waiting.filter(([time]) => time > one.take);
      }
      assert.equal(queue.next(), waiting.length === 0 ? null : Math.min(...waiting.map(([time]) => time)));
    });
  }));
});
