/** How one changed value stands in a line of changes: whole, gone, or as a difference from the array before it. */
import { type Diff, diffArrays, patchArray } from "./array_diff.ts";

/** `[]` gone, `[value]` whole, `[literals, runs]` the array before it with what is new. */
export type ValueChange = [] | [value: unknown] | Diff;

/** Shorter arrays are written whole: naming what stayed would cost as much. */
const DIFF_FROM_LENGTH = 3;

/** undefined stands for absent, before and now. */
export function valueChange(before: unknown, now: unknown): ValueChange {
  if (now === undefined) return [];
  if (Array.isArray(now) && Array.isArray(before) && before.length >= DIFF_FROM_LENGTH) {
    return diffArrays(before, now);
  }
  return [now];
}

export function changedValue(before: unknown, change: ValueChange): unknown {
  if (change.length === 0) return undefined;
  return change.length === 1 ? change[0] : patchArray(before as readonly unknown[], change);
}
