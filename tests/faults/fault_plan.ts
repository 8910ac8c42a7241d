/**
 * Which call on a port fails, and how: faults are enumerated, not hoped for.
 *
 *   calls:   1    2    3    4    5
 *            ok   ok   X    ok   ok        fail: one call fails, the process lives on
 *            ok   ok   X    X    X         crash: the process is gone, so every later call throws too
 *                      ^ before its effect (nothing happened) or after it (done, but the answer is lost)
 *
 * A test first runs with a plan without faults to learn `calls`, then once for every n and every kind.
 */
import { Fault } from "../../lib/errors.ts";

export type FaultKind = "fail_before" | "fail_after" | "crash_before" | "crash_after";
export type FaultStep = "ok" | FaultKind;

export const FAULT_KINDS: readonly FaultKind[] = ["fail_before", "fail_after", "crash_before", "crash_after"];

/** The process ended here. Thrown through all layers: nothing in the product may catch it and go on as if well. */
export class Crash extends Error {
  override name = "Crash";
}

/** Counts the calls of one or several ports together, and says for each what becomes of it. */
export class FaultPlan {
  #calls = 0;
  #crashed = false;
  readonly #faults: ReadonlyMap<number, FaultKind>;
  /** Names of the calls so far, for the message of a test that failed. */
  readonly names: string[] = [];

  /** Calls are numbered from 1. */
  constructor(faults: Iterable<readonly [call: number, kind: FaultKind]> = []) {
    this.#faults = new Map(faults);
  }

  static none(): FaultPlan {
    return new FaultPlan();
  }

  static at(call: number, kind: FaultKind): FaultPlan {
    return new FaultPlan([[call, kind]]);
  }

  /** How many calls were asked for, those after a crash left out. */
  get calls(): number {
    return this.#calls;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** What becomes of the next call. After a crash it is always "crash_before". */
  next(name = "call"): FaultStep {
    if (this.#crashed) return "crash_before";
    this.#calls++;
    this.names.push(name);
    const kind = this.#faults.get(this.#calls) ?? "ok";
    if (kind === "crash_before" || kind === "crash_after") this.#crashed = true;
    return kind;
  }
}

/** Runs `effect` as the plan says: in full, not at all, or in full with its answer lost. */
export async function underPlan<T>(plan: FaultPlan, name: string, effect: () => Promise<T>): Promise<T> {
  const step = plan.next(name);
  const where = `${name} (call ${plan.calls})`;
  if (step === "fail_before") throw lostCall(where);
  if (step === "crash_before") throw new Crash(`Crashed before ${where}`);
  const answer = await effect();
  if (step === "fail_after") throw lostCall(where);
  // A crash elsewhere while this effect ran takes this caller along: nobody is there to hear the answer.
  if (step === "crash_after" || plan.crashed) throw new Crash(`Crashed after ${where}`);
  return answer;
}

function lostCall(where: string): Fault {
  return new Fault("injected", `Cannot finish ${where}: a fault was planned here`, {
    blame: "dependency",
    retry: "after_backoff",
  });
}

/** Every place and way in which a run of `calls` calls can be hurt. */
export function* everyFault(calls: number, kinds: readonly FaultKind[] = FAULT_KINDS): Generator<FaultPlan> {
  for (let call = 1; call <= calls; call++) {
    for (const kind of kinds) yield FaultPlan.at(call, kind);
  }
}
