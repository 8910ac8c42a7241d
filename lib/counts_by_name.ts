/** Counts by names that others choose: what every object inherits, as `constructor`, counts nothing. */

export function countOf(counts: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(counts, name) ? counts[name] : 0;
}

export function addCount(counts: Record<string, number>, name: string, by: number): void {
  const value = countOf(counts, name) + by;
  // A browser takes an assigned `__proto__` for the prototype.
  Object.defineProperty(counts, name, { value, enumerable: true, configurable: true, writable: true });
}
