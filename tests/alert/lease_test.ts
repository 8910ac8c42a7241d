/** The lease when somebody sets a clock: at most one leader for longer than a lease, and never none for longer than two. */
import { strictEqual } from "node:assert/strict";
import { Lease } from "../../lib/alert/lease.ts";
import { MemoryStore } from "../store/memory_store.ts";

const LENGTH_MS = 15_000;
const HOUR_MS = 3_600_000;

/** Two programs, each with a clock of its own. */
function programs() {
  const store = new MemoryStore();
  const program = () => {
    const clock = { time: 1_000_000_000, now: () => clock.time, sleep: () => Promise.resolve() };
    return { clock, lease: new Lease(store, clock, LENGTH_MS) };
  };
  return [program(), program()] as const;
}

Deno.test("a leader whose clock was set back leads no longer than it renews", async () => {
  const [first, second] = programs();
  first.clock.time += HOUR_MS;
  strictEqual(await first.lease.keep(), true);
  first.clock.time -= HOUR_MS;
  strictEqual(first.lease.held, false, "nobody knows how much of it is left");
  strictEqual(await first.lease.keep(), true);
  strictEqual(await second.lease.keep(), false);
  // The first renews no more: the second takes over, and the first hears of it.
  second.clock.time += LENGTH_MS;
  strictEqual(await second.lease.keep(), true);
  first.clock.time += LENGTH_MS;
  strictEqual(first.lease.held, false);
  strictEqual(await first.lease.keep(), false);
});

Deno.test("a leader whose clock was set back renews by looking who leads", async () => {
  const [first, second] = programs();
  first.clock.time += HOUR_MS;
  strictEqual(await first.lease.keep(), true);
  first.clock.time -= HOUR_MS;
  strictEqual(await second.lease.keep(), false);
  second.clock.time += LENGTH_MS;
  strictEqual(await second.lease.keep(), true);
  strictEqual(await first.lease.keep(), false);
});

Deno.test("a follower whose clock was set back takes over from a dead leader after one length, not at once", async () => {
  const [first, second] = programs();
  strictEqual(await first.lease.keep(), true);
  strictEqual(await second.lease.keep(), false);
  second.clock.time -= HOUR_MS;
  strictEqual(await second.lease.keep(), false);
  second.clock.time += LENGTH_MS - 1;
  strictEqual(await second.lease.keep(), false);
  second.clock.time += 1;
  strictEqual(await second.lease.keep(), true);
});
