import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { Fault } from "../../lib/errors.ts";
import { WaitingLine } from "../../lib/query/waiting_line.ts";

const LONG_MS = 60_000;

Deno.test("WaitingLine lets the next in, in order, when one leaves", async () => {
  const line = new WaitingLine(1, 10);
  const first = await line.turn(LONG_MS);
  const order: number[] = [];
  const others = [1, 2, 3].map(async (number) => {
    using _turn = await line.turn(LONG_MS);
    order.push(number);
  });
  await Promise.resolve();
  deepStrictEqual(order, []);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await Promise.all(others);
  deepStrictEqual(order, [1, 2, 3]);
  (await line.turn(LONG_MS))[Symbol.dispose]();
});

Deno.test("WaitingLine bounds how many wait and how long", async () => {
  const line = new WaitingLine(1, 1);
  using _first = await line.turn(LONG_MS);
  const late = line.turn(20);
  const busy = (fault: Fault) => fault.code === "timeout" && fault.retry === "after_backoff";
  await rejects(line.turn(LONG_MS), busy);
  await rejects(late, busy);
});

Deno.test("WaitingLine lets go of who gives up, and of all when it closes", async () => {
  const line = new WaitingLine(1, 5);
  const first = await line.turn(LONG_MS);
  const stop = new AbortController();
  const gone = line.turn(LONG_MS, stop.signal);
  stop.abort(new Error("gone"));
  await rejects(gone, /gone/);
  await rejects(line.turn(LONG_MS, stop.signal), /gone/);
  first[Symbol.dispose]();
  const next = await line.turn(LONG_MS);
  const waiting = line.turn(LONG_MS);
  line.close();
  await rejects(waiting, /closing/);
  next[Symbol.dispose]();
  strictEqual((await line.turn(LONG_MS)) !== undefined, true);
});
