/** A fault happens where the plan says, with its effect or without, and a crash is final. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { readToEnd, record, textOf } from "../contracts/log_contract.ts";
import { Crash, everyFault, type FaultKind, FaultPlan } from "./fault_plan.ts";
import { faultyLog } from "./faulty_log.ts";

/** Three appends, each tried once more after a Fault; what was stored, and whether the run crashed. */
async function run(plan: FaultPlan): Promise<{ stored: string[]; crashed: boolean }> {
  const directory = await Deno.makeTempDir();
  const log = await openSqliteLog({ directory, partitions: 1 });
  const faulty = faultyLog(log, plan);
  let crashed = false;
  try {
    for (const text of ["a", "b", "c"]) {
      try {
        await faulty.append("events", [record(text)]);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        await faulty.append("events", [record(text)]);
      }
    }
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    crashed = true;
    await assert.rejects(faulty.bounds("events", 0), Crash);
  }
  const stored = (await readToEnd(log, "events", 0)).map(textOf);
  await log[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
  return { stored, crashed };
}

Deno.test("faultyLog without faults is the log itself, and counts its calls", async () => {
  const plan = FaultPlan.none();
  assert.deepEqual(await run(plan), { stored: ["a", "b", "c"], crashed: false });
  assert.equal(plan.calls, 3);
  assert.deepEqual(plan.names, ["append events", "append events", "append events"]);
});

Deno.test("faultyLog hurts the call that the plan names, before or after its effect", async () => {
  const wanted: Record<FaultKind, { stored: string[]; crashed: boolean }> = {
    fail_before: { stored: ["a", "b", "c"], crashed: false },
    fail_after: { stored: ["a", "b", "b", "c"], crashed: false },
    crash_before: { stored: ["a"], crashed: true },
    crash_after: { stored: ["a", "b"], crashed: true },
  };
  for (const [kind, outcome] of Object.entries(wanted) as [FaultKind, typeof wanted[FaultKind]][]) {
    assert.deepEqual(await run(FaultPlan.at(2, kind)), outcome, kind);
  }
});

Deno.test("everyFault makes a plan for every call and kind", () => {
  const plans = [...everyFault(3, ["fail_before", "crash_after"])];
  const steps = plans.map((plan) => [plan.next(), plan.next(), plan.next()].join(" "));
  assert.deepEqual(steps, [
    "fail_before ok ok",
    "crash_after crash_before crash_before",
    "ok fail_before ok",
    "ok crash_after crash_before",
    "ok ok fail_before",
    "ok ok crash_after",
  ]);
});
