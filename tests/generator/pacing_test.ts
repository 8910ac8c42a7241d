import { ok, rejects, strictEqual } from "node:assert/strict";
import type { Clock } from "../../lib/clock.ts";
import { TokenBucket } from "../../lib/generator/pacing.ts";

/** Time that passes only by sleeping, and when told. */
class SleepClock implements Clock {
  time_ms = 0;
  now = () => this.time_ms;
  sleep = (ms: number, signal?: AbortSignal) => {
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.time_ms += ms;
    return Promise.resolve();
  };
}

const never = new AbortController().signal;

for (const rate of [1, 7, 20, 1000, 50_000]) {
  Deno.test(`TokenBucket gives ${rate} a second, over ten seconds`, async () => {
    const clock = new SleepClock();
    const bucket = new TokenBucket(clock, rate);
    let taken = 0;
    while (clock.time_ms < 10_000) taken += await bucket.take(2000, never);
    const due = rate * clock.time_ms / 1000;
    ok(Math.abs(taken - due) <= Math.max(1, rate * 0.1), `${taken} instead of ${due}`);
  });
}

Deno.test("TokenBucket does not make up for a long stall", async () => {
  const clock = new SleepClock();
  const bucket = new TokenBucket(clock, 1000);
  clock.time_ms += 60_000;
  strictEqual(await bucket.take(100_000, never), 500);
});

Deno.test("TokenBucket never gives more than was asked for", async () => {
  const clock = new SleepClock();
  const bucket = new TokenBucket(clock, 50_000);
  clock.time_ms += 1000;
  strictEqual(await bucket.take(3, never), 3);
});

Deno.test("TokenBucket goes on at another rate at once", async () => {
  const clock = new SleepClock();
  const bucket = new TokenBucket(clock, 1);
  bucket.setRate(1000);
  let taken = 0;
  while (clock.time_ms < 5000) taken += await bucket.take(2000, never);
  ok(Math.abs(taken - 5000) <= 100, `${taken}`);
});

Deno.test("TokenBucket lets go of who waits when told to stop", async () => {
  const stop = new AbortController();
  stop.abort(new Error("stop"));
  await rejects(new TokenBucket(new SleepClock(), 1).take(1, stop.signal), /stop/);
});
