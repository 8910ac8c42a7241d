/** Which checkpoints count. Invariant: what a newest checkpoint was not built on is never taken for decided. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { lineage, standsOn } from "../../lib/checkpoint/lineage.ts";

/** `F` a fence, `D` a decision; each builds on the one before, unless the text names another: `F<2`. */
function chainOf(text: string, first = 1): Checkpoint[] {
  const chain: Checkpoint[] = [];
  for (const [i, [kind, , named]] of text.split(" ").entries()) {
    const number = first + i;
    const previous = named === undefined ? number - 1 : Number(named);
    const base = chain.find((one) => one.number === previous);
    chain.push(
      {
        number,
        previous,
        epoch: (base?.epoch ?? 0) + (kind === "F" ? 1 : 0),
        segment: kind === "F" ? null : { key: `s${number}`, size_bytes: 1, index_sha256: "" },
      } as Checkpoint,
    );
  }
  return chain;
}

const byNumber = (chain: readonly Checkpoint[]) => new Map(chain.map((one) => [one.number, one]));
const numbers = (chain: readonly Checkpoint[]) => chain.map((one) => one.number);

Deno.test("`lineage` of a whole chain is the chain", () => {
  const chain = chainOf("F D D F D F F D");
  deepStrictEqual(lineage(numbers(chain), byNumber(chain)), chain);
  deepStrictEqual(lineage([], new Map()), []);
});

Deno.test("`lineage` leaves out a ghost that took a collected number, whatever stands above it", () => {
  const chain = chainOf("F D F F D F F D");
  // The owner of checkpoint 2 slept, and decided 3 after all.
  const ghost = { ...chain[1], number: 3, previous: 2 };
  for (let from = 4; from <= chain.length; from++) {
    const left = chain.filter((one) => one.number >= from);
    const all = [ghost, ...left];
    deepStrictEqual(numbers(lineage(numbers(all), byNumber(all))), numbers(left), `collected up to ${from}`);
  }
  strictEqual(standsOn(chain[3], ghost), false);
});

Deno.test("`lineage` goes on below a damaged checkpoint, and leaves out one that reads well again", () => {
  const chain = chainOf("F D D D<2 D");
  const damaged = chain.filter((one) => one.number !== 3);
  deepStrictEqual(numbers(lineage(numbers(chain), byNumber(damaged))), [1, 2, 4, 5]);
  deepStrictEqual(numbers(lineage(numbers(chain), byNumber(chain))), [1, 2, 4, 5]);
  const whole = chainOf("F D D D");
  const middle = whole.filter((one) => one.number !== 3);
  deepStrictEqual(
    numbers(lineage(numbers(whole), byNumber(middle))),
    [1, 2, 4],
    "its rows are missed by an alarm",
  );
});
