/**
 * Which checkpoints count: those that the newest one stands on. Pure.
 *
 *   48 ── 49 ── ┊ ── 51 ── 52 ── 53     50 was collected with what is below it, and then created once more, by an owner
 *              (50)                      that slept: a ghost. Its owner sees 53 and drops its state, but its object stays
 *
 * A ghost's rows were never decided: whoever took them would stand at an offset inside a checkpoint to come. Epochs
 * tell: a decision has the epoch of the one before, a fence exactly one more, a ghost always less than that.
 *
 * For those who take, not for those who delete: below a gap of the listing this says too little, and they look again.
 */
import type { Checkpoint } from "./checkpoint.ts";

/** Whether `one`, which has the number that `later` calls its previous, is the checkpoint that `later` was built on. */
export function standsOn(later: Checkpoint, one: Checkpoint): boolean {
  return one.epoch === (later.segment === null ? later.epoch - 1 : later.epoch);
}

/** Ascending. `numbers` are all that exist, `checkpoints` those of them that can be read. */
export function lineage(
  numbers: readonly number[],
  checkpoints: ReadonlyMap<number, Checkpoint>,
): Checkpoint[] {
  const listed = new Set(numbers);
  const found: Checkpoint[] = [];
  for (const number of [...checkpoints.keys()].sort((a, b) => b - a)) {
    const one = checkpoints.get(number)!;
    const later = found.at(-1);
    // Passed over as damaged when `later` was made, however well it reads now.
    if (later && number > later.previous) continue;
    if (later && number === later.previous && !standsOn(later, one)) break;
    // Collected from the bottom up: where one is missing, nothing real is below. A damaged one is there all the same.
    if (later && number < later.previous && !listed.has(later.previous)) break;
    found.push(one);
  }
  return found.reverse();
}
