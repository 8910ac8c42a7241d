/**
 * How much of an enumeration a run takes: all of it under FAULTS=all (the soak), otherwise every n-th call, from another one
 * in each run. SEED begins with the same one again.
 */
import { ok } from "node:assert/strict";

export const everything = Deno.env.get("FAULTS") === "all";

const seed = Number(Deno.env.get("SEED") ?? Date.now());

/** Runs for calls 1 to `calls`; the error of one that fails names it. */
export async function forEachCall(
  calls: number,
  stride: number,
  run: (call: number) => Promise<void>,
): Promise<void> {
  ok(calls > 20, `only ${calls} calls`);
  const step = everything ? 1 : stride;
  for (let call = 1 + (seed % step); call <= calls; call += step) {
    try {
      await run(call);
    } catch (error) {
      throw new Error(`at call ${call} of ${calls}`, { cause: error });
    }
  }
}
