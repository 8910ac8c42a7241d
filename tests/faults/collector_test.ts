/**
 * The collector under faults at every call, and everybody else in between its calls; and the collector, grace and all,
 * in between theirs.
 *
 * Invariant: whatever happens at call n, every record is one row, every snapshot that is named is whole, the two newest
 * checkpoints can be restored from, and in the end nothing is left but what is named.
 */
import type { EventLog } from "../../lib/log/log.ts";
import { SmallLake, usedLake, withWriter } from "../lake/small_lake.ts";
import { Crash, type FaultKind, FaultPlan } from "./fault_plan.ts";
import { faultyLog } from "./faulty_log.ts";
import { faultyStore } from "./faulty_store.ts";
import { interruptingStore } from "./interrupting_store.ts";
import { everything, forEachCall } from "./sample.ts";

const STRIDE = 15;
const KINDS: FaultKind[] = everything
  ? ["crash_before", "crash_after", "fail_before", "fail_after"]
  : ["crash_after", "fail_before"];

async function passingFaults(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Crash) && !(error instanceof Error && error.name === "Fault")) throw error;
  }
}

Deno.test("collecting, with a fault at every call", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const under = async (plan: FaultPlan, at: SmallLake) => {
      const [store, log] = [faultyStore(at.store, plan), faultyLog(at.log, plan)];
      await passingFaults(() => at.collect({ store, log }));
      // The next process finds what this one left, and finishes it.
      await at.checkObjects();
      await at.collect();
      await at.collect();
      await at.checkObjects();
    };
    const undisturbed = FaultPlan.none();
    {
      await using at = await lake.copy();
      await under(undisturbed, at);
    }
    for (const kind of KINDS) {
      await forEachCall(undisturbed.calls, STRIDE, async (call) => {
        await using at = await lake.copy();
        await under(FaultPlan.at(call, kind), at);
        await at.checkWhole();
        await at.collect();
        await at.checkNothingElse();
      });
    }
  }));

Deno.test("collecting, with owner, publisher, compaction and expiry in between any two calls", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const interrupted = async (call: number) => {
      await using at = await lake.copy();
      const { store, calls } = interruptingStore(at.store, call, async () => {
        await at.publish();
        await at.append(6);
        await at.process();
        await at.publish();
        await at.compact();
        at.clock.time += 3 * 3_600_000;
        await at.expire();
      });
      await at.collect({ store });
      await at.checkObjects();
      await at.checkWhole();
      return calls();
    };
    await forEachCall(await interrupted(0), STRIDE, async (call) => void await interrupted(call));
  }));

Deno.test("publishing and compacting, with a whole collection, grace and all, in between any two calls", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const interrupted = async (call: number) => {
      await using at = await lake.copy();
      const { store, calls } = interruptingStore(at.store, call, async () => {
        await at.collect();
        at.clock.time += 4 * 86_400_000;
        await at.collect();
      });
      await at.publish({ store });
      await at.compact({ store });
      await at.checkObjects();
      await at.checkWhole();
      return calls();
    };
    await forEachCall(await interrupted(0), STRIDE, async (call) => void await interrupted(call));
  }));

Deno.test("an owner at work, with publishers and a whole collection in between any two calls", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const interrupted = async (call: number) => {
      await using at = await lake.copy();
      await at.append(9);
      const { store, calls } = interruptingStore(at.store, call, async () => {
        await at.publish();
        await at.collect();
      });
      await at.process({ store });
      await at.checkObjects();
      await at.checkWhole();
      return calls();
    };
    await forEachCall(await interrupted(0), STRIDE, async (call) => void await interrupted(call));
  }));

Deno.test("an owner at work, with another owner and a whole collection in between any two calls", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const interrupted = async (call: number) => {
      await using at = await lake.copy();
      await at.append(9);
      const { store, calls } = interruptingStore(at.store, call, () => anotherOwner(at));
      await at.process({ store });
      await at.checkObjects();
      await at.checkWhole();
      return calls();
    };
    await forEachCall(await interrupted(0), STRIDE, async (call) => void await interrupted(call));
  }));

async function anotherOwner(lake: SmallLake): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await lake.process();
    await lake.publish();
    await lake.append(9);
  }
  await lake.process();
  await lake.publish();
  await lake.collect();
}

Deno.test("an owner that slept through another's work before it read on drops its state, and goes on", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    for (let read = 1; read <= 4; read++) {
      await using at = await lake.copy();
      await at.append(9);
      let reads = 0;
      const log: EventLog = {
        ...faultyLog(at.log, FaultPlan.none()),
        read: async (...args) => {
          if (++reads === read) await anotherOwner(at);
          return await at.log.read(...args);
        },
      };
      await at.process({ log });
      await at.checkObjects();
      await at.checkWhole();
    }
  }));

Deno.test("two collectors in between each other's calls", () =>
  withWriter(async (writer) => {
    await using lake = await usedLake(writer);
    const interrupted = async (call: number) => {
      await using at = await lake.copy();
      const { store, calls } = interruptingStore(at.store, call, () => at.collect());
      await at.collect({ store });
      await at.checkObjects();
      await at.checkWhole();
      await at.collect();
      await at.collect();
      await at.checkNothingElse();
      return calls();
    };
    await forEachCall(await interrupted(0), STRIDE, async (call) => void await interrupted(call));
  }));
