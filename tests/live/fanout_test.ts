/** Readers of any speed hear everything, and hold one message at most. */
import { deepEqual, equal } from "node:assert/strict";
import { Fanout } from "../../lib/live/fanout.ts";

const sums = (max_readers = 10) => new Fanout<number[]>((older, newer) => [...older, ...newer], max_readers);

Deno.test("Fanout gives a waiting reader each message, and a busy one all of them at once", async () => {
  const fanout = sums();
  const [quick, slow] = [fanout.join()!, fanout.join()!];
  const heard = quick.next();
  fanout.publish([1]);
  deepEqual(await heard, [1]);
  fanout.publish([2]);
  fanout.publish([3]);
  deepEqual(await slow.next(), [1, 2, 3]);
  deepEqual(await quick.next(), [2, 3]);
});

Deno.test("Fanout refuses more readers than may be, and has room again when one leaves", () => {
  const fanout = sums(1);
  const first = fanout.join();
  equal(fanout.join(), null);
  first!.leave();
  equal(fanout.readers, 0);
  equal(fanout.join() === null, false);
});

Deno.test("Fanout ends its readers when it closes, and a reader ends with its signal", async () => {
  const fanout = sums();
  const reader = fanout.join()!;
  const stop = new AbortController();
  const aborted = reader.next(stop.signal);
  stop.abort();
  equal(await aborted, null);
  const ended = reader.next();
  fanout.close();
  equal(await ended, null);
  equal(fanout.join(), null);
});
