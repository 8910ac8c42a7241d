/**
 * Items of one key by time, of equal times in log order, cut into short chunks: one item more replaces one chunk, so a
 * long history costs no more to change or to checkpoint than a short one.
 *
 *   [ [a b c d] [e f g] [h i] ]      an item is an array that begins with its time in microseconds
 */
import { replaced } from "./replaced.ts";

export type Timed = readonly [time_us: number, ...rest: (number | string)[]];
export type History<T extends Timed> = readonly (readonly T[])[];

const CHUNK_ITEMS = 32;
/** Beyond, the oldest go: what one key may hold. */
const MOST_CHUNKS = 512;

/** The history with one item more, after all of its time or before. */
export function withItem<T extends Timed>(history: History<T>, item: T): History<T> {
  let at = history.length - 1;
  while (at > 0 && history[at][0][0] > item[0]) at--;
  if (at < 0) return [[item]];
  const chunk = history[at];
  let place = chunk.length;
  while (place > 0 && chunk[place - 1][0] > item[0]) place--;
  const isEnd = at === history.length - 1 && place === chunk.length;
  // Almost always the latest.
  if (isEnd && chunk.length < CHUNK_ITEMS) return replaced(history, at, chunk.concat([item]));
  const fresh = chunk.length < CHUNK_ITEMS
    ? [[...chunk.slice(0, place), item, ...chunk.slice(place)]]
    : isEnd
    ? [chunk, [item]]
    : halves([...chunk.slice(0, place), item, ...chunk.slice(place)]);
  const all = [...history.slice(0, at), ...fresh, ...history.slice(at + 1)];
  return all.length > MOST_CHUNKS ? all.slice(all.length - MOST_CHUNKS) : all;
}

function halves<T>(chunk: readonly T[]): (readonly T[])[] {
  const middle = chunk.length >> 1;
  return [chunk.slice(0, middle), chunk.slice(middle)];
}

/** Drops leading chunks, as long as an item at or before `needed_us` is left: the one that a look back would find. */
export function withoutOlder<T extends Timed>(history: History<T>, needed_us: number): History<T> {
  let from = 0;
  while (from + 1 < history.length && history[from + 1][0][0] <= needed_us) from++;
  return from === 0 ? history : history.slice(from);
}

/** The last item at or before the moment, in time and of equal times in the log. */
export function lastUpTo<T extends Timed>(history: History<T>, time_us: number): T | null {
  for (let at = history.length - 1; at >= 0; at--) {
    const chunk = history[at];
    for (let place = chunk.length - 1; place >= 0; place--) {
      if (chunk[place][0] <= time_us) return chunk[place];
    }
  }
  return null;
}

/** The first moment after `time_us`: its last item in the log. */
export function nextAfter<T extends Timed>(history: History<T>, time_us: number): T | null {
  let found: T | null = null;
  for (let at = history.length - 1; at >= 0; at--) {
    const chunk = history[at];
    for (let place = chunk.length - 1; place >= 0; place--) {
      const item = chunk[place];
      if (item[0] <= time_us) return found;
      if (found === null || item[0] < found[0]) found = item;
    }
  }
  return found;
}

/** All items from the latest to the oldest, of equal times the last in the log first. */
export function* backwards<T extends Timed>(history: History<T>): Iterable<T> {
  for (let at = history.length - 1; at >= 0; at--) {
    const chunk = history[at];
    for (let place = chunk.length - 1; place >= 0; place--) yield chunk[place];
  }
}

/** Time of the latest item of a history that is not empty. */
export function latestTime<T extends Timed>(history: History<T>): number {
  const chunk = history[history.length - 1];
  return chunk[chunk.length - 1][0];
}
