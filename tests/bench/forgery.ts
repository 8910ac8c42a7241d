/** Mutated signatures and bodies against every sender that signs; FORGERIES and FUZZ_SEED say how many and which. */
import { tryForgeries } from "../fuzz/forgery.ts";
import type { Bench } from "./bench.ts";

export const forgeryBench: Bench = {
  name: "forgery",
  run() {
    const count = Number(Deno.env.get("FORGERIES") ?? 1_000_000);
    const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);
    console.log(`fuzz seed ${seed}`);
    // Throws at the first that is wrongly taken.
    const { tried, genuine } = tryForgeries(seed, count);
    return Promise.resolve([
      {
        what: "forgeries tried, none accepted",
        value: tried,
        unit: "requests",
        must: 1_000_000,
        goal: 10_000_000,
      },
      { what: "rightly taken, as nothing signed was changed", value: sum(genuine), unit: "requests" },
    ]);
  },
};

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
