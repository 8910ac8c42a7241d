/** The client library's queue of requests, with what is changed about its timer. */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { sleepWhileEmpty } from "../../lib/log/kafka_timers.ts";
import { eventually } from "../waiting.ts";

/** A queue that lets one request out at a time, and which of them it let out. */
function queueOf() {
  sleepWhileEmpty();
  const sent: number[] = [];
  const queue = new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 60_000,
    enforceRequestTimeout: false,
    clientId: "test",
    broker: "none",
    logger: { debug: () => undefined, warn: () => undefined },
    isConnected: () => true,
  });
  const push = (correlationId: number) =>
    queue.push({
      entry: { correlationId, resolve: () => undefined, reject: () => undefined },
      expectResponse: true,
      sendRequest: () => void sent.push(correlationId),
    });
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: null, size: 0 });
  return { queue, sent, push, answer, [Symbol.dispose]: () => queue.destroy() };
}

Deno.test("a queue of requests sets no timer while nothing waits in it", () => {
  using one = queueOf();
  one.push(1);
  one.answer(1);
  deepEqual(one.sent, [1]);
  equal(one.queue.throttleCheckTimeoutId, null);
});

Deno.test("a request that waits for another goes out with its answer", () => {
  using one = queueOf();
  one.push(1);
  one.push(2);
  deepEqual(one.sent, [1]);
  one.answer(1);
  deepEqual(one.sent, [1, 2]);
});

Deno.test("a request that a broker's throttle holds back goes out when that is over", async () => {
  using one = queueOf();
  one.queue.maybeThrottle(30);
  one.push(1);
  deepEqual(one.sent, []);
  notEqual(one.queue.throttleCheckTimeoutId, null);
  await eventually(() => one.sent.length, (count) => count === 1, { what: "the request" });
  equal(one.queue.throttleCheckTimeoutId, null);
});
