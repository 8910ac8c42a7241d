/** Counts by names that others choose: what every object inherits, as `constructor`, counts nothing. */
import { setOwn } from "./own_member.ts";

export function countOf(counts: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(counts, name) ? counts[name] : 0;
}

export function addCount(counts: Record<string, number>, name: string, by: number): void {
  setOwn(counts, name, countOf(counts, name) + by);
}
