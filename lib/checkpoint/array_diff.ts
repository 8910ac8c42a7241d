/**
 * What is new in an array that replaced another, so that a long list of which one element changed costs one element.
 *
 *   before  a b c d e        literals [X, Y]
 *   now     b c X d e Y      runs     [1, 2, -1, 1, 3, 2, -1, 1]     pairs: (from, count) of before, or (-1, count) literals
 *
 * Elements are the same when they are identical (===). The match is greedy in order, which is all that windows and
 * histories need: they drop at the front, change in the middle and grow at the end.
 */
export type Diff = [literals: unknown[], runs: number[]];

const LITERAL = -1;
/** How far ahead in `before` an element is looked for. */
const LOOK_AHEAD = 64;

export function diffArrays(before: readonly unknown[], now: readonly unknown[]): Diff {
  const literals: unknown[] = [];
  const runs: number[] = [];
  let next = 0;
  for (const element of now) {
    const found = findAhead(before, next, element);
    if (found < 0) {
      literals.push(element);
      extend(runs, LITERAL);
    } else {
      extend(runs, found);
      next = found + 1;
    }
  }
  return [literals, runs];
}

export function patchArray(before: readonly unknown[], [literals, runs]: Diff): unknown[] {
  const now: unknown[] = [];
  let taken = 0;
  for (let at = 0; at < runs.length; at += 2) {
    const [from, count] = [runs[at], runs[at + 1]];
    for (let i = 0; i < count; i++) now.push(from === LITERAL ? literals[taken++] : before[from + i]);
  }
  return now;
}

function findAhead(before: readonly unknown[], from: number, element: unknown): number {
  const to = Math.min(before.length, from + LOOK_AHEAD);
  for (let at = from; at < to; at++) if (before[at] === element) return at;
  return -1;
}

/** Lengthens the last run when the element follows it, else begins another. */
function extend(runs: number[], from: number): void {
  const last = runs.length - 2;
  const follows = last >= 0 &&
    (runs[last] === LITERAL ? from === LITERAL : from === runs[last] + runs[last + 1]);
  if (follows) runs[last + 1]++;
  else runs.push(from, 1);
}
