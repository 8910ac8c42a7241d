/**
 * A value in the store that moves by one conditional create at a time: `<prefix><n>.json`, the highest n counts.
 *
 * Older ones go, but not the newest few. Who slept through all of them may create one that lies below the newest: it
 * looks once more after creating, and has lost.
 */
import type { ObjectStore } from "../store/object_store.ts";

export interface Numbered {
  number: number;
  value: unknown;
}

const KEPT = 8;
const DIGITS = 12;

/** The newest; number 0 and null when there is none. */
export async function readNewest(store: ObjectStore, prefix: string): Promise<Numbered> {
  for (;;) {
    const number = (await numbersOf(store, prefix)).at(-1) ?? 0;
    if (number === 0) return { number, value: null };
    const bytes = await store.read(keyOf(prefix, number));
    // Gone since the listing: there are newer ones.
    if (bytes !== null) return { number, value: JSON.parse(new TextDecoder().decode(bytes)) };
  }
}

/** Whether `value` became number `after` + 1, and nothing is newer. `value` must tell its author, for lost answers. */
export async function createNext(
  store: ObjectStore,
  prefix: string,
  { after, value }: { after: number; value: unknown },
): Promise<boolean> {
  const text = JSON.stringify(value);
  const key = keyOf(prefix, after + 1);
  const outcome = await store.create(key, new TextEncoder().encode(text));
  const numbers = await numbersOf(store, prefix);
  if (numbers.at(-1) !== after + 1) return false;
  if (outcome !== "created") {
    const there = await store.read(key);
    if (there === null || new TextDecoder().decode(there) !== text) return false;
  }
  await store.delete(numbers.slice(0, -KEPT).map((number) => keyOf(prefix, number)));
  return true;
}

function keyOf(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(DIGITS, "0")}.json`;
}

async function numbersOf(store: ObjectStore, prefix: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of store.list(prefix)) {
    const match = /^(\d+)\.json$/.exec(key.slice(prefix.length));
    if (match) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}
