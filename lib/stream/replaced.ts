/** Lists that are replaced, never mutated. */

/** A copy of the list with another item at one place. */
export function replaced<T>(list: readonly T[], at: number, item: T): T[] {
  const copy = list.slice();
  copy[at] = item;
  return copy;
}
