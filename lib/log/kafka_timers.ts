/**
 * The client library's queue of requests, asleep while nothing waits in it. As it comes, version 2.2.4 looks at the queue
 * of every connection each millisecond for ever, because it takes the pause until then from a moment that no broker gave:
 * Deno warns of the negative pause, and a process that has nothing to do is never at rest.
 */
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

interface Queue {
  pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const queues: Queue = RequestQueue.prototype;
const schedule = queues.scheduleCheckPendingRequests;

/** For all queues of this thread. A request that waits sets the timer itself, and every answer looks for those that do. */
export function sleepWhileEmpty(): void {
  queues.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this);
  };
}
