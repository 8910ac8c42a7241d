/**
 * Keys that want to be looked at when time reaches a moment. Derived from state, never part of it.
 *
 *   near (a heap by exact time)  |  far: one bag a second, and a heap of the seconds
 *   -----------------------------+--------------------------------------------------> time
 *                             opened
 *
 * A far bag costs one push a timer and is handed out whole when time passes it; only the second in which time stands
 * now is kept in exact order. A key may come more than once, and without need: who asks looks at its state.
 */
const SECOND_US = 1_000_000;

interface Bag {
  times: number[];
  keys: string[];
}

export class TimerQueue {
  #near: Bag = { times: [], keys: [] };
  #far = new Map<number, Bag>();
  #seconds = new NumberHeap();
  #opened = -Infinity;

  push(time_us: number, key: string): void {
    const second = Math.floor(time_us / SECOND_US);
    if (second <= this.#opened) return pushNear(this.#near, time_us, key);
    let bag = this.#far.get(second);
    if (bag === undefined) {
      this.#far.set(second, bag = { times: [], keys: [] });
      this.#seconds.push(second);
    }
    bag.times.push(time_us);
    bag.keys.push(key);
  }

  /** Whether `takeDue` might find something. */
  hasDue(until_us: number): boolean {
    const { times } = this.#near;
    const second = this.#seconds.least;
    return (times.length > 0 && times[0] <= until_us) ||
      (second !== undefined && second * SECOND_US <= until_us);
  }

  /** Adds the keys of all timers up to and including `until_us` to `due`, and forgets these timers. */
  takeDue(until_us: number, due: Set<string>): void {
    const near = this.#near;
    while (near.times.length > 0 && near.times[0] <= until_us) due.add(popNear(near));
    const now = Math.floor(until_us / SECOND_US);
    for (
      let second = this.#seconds.least;
      second !== undefined && second <= now;
      second = this.#seconds.least
    ) {
      this.#seconds.pop();
      const { times, keys } = this.#far.get(second)!;
      this.#far.delete(second);
      for (let i = 0; i < keys.length; i++) {
        if (times[i] <= until_us) due.add(keys[i]);
        else pushNear(near, times[i], keys[i]);
      }
    }
    this.#opened = Math.max(this.#opened, now);
  }

  /** The earliest timer; null when there is none. */
  next(): number | null {
    if (this.#near.times.length > 0) return this.#near.times[0];
    const second = this.#seconds.least;
    if (second === undefined) return null;
    let least = Infinity;
    for (const time of this.#far.get(second)!.times) least = Math.min(least, time);
    return least;
  }
}

function pushNear({ times, keys }: Bag, time: number, key: string): void {
  let at = times.length;
  times.push(time);
  keys.push(key);
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (times[above] <= time) break;
    times[at] = times[above];
    keys[at] = keys[above];
    at = above;
  }
  times[at] = time;
  keys[at] = key;
}

function popNear({ times, keys }: Bag): string {
  const least = keys[0];
  const time = times.pop()!;
  const key = keys.pop()!;
  const length = times.length;
  if (length === 0) return least;
  let at = 0;
  for (let below = 1; below < length; below = 2 * at + 1) {
    if (below + 1 < length && times[below + 1] < times[below]) below++;
    if (times[below] >= time) break;
    times[at] = times[below];
    keys[at] = keys[below];
    at = below;
  }
  times[at] = time;
  keys[at] = key;
  return least;
}

/** Different whole numbers, smallest first. Few: one a second in which something is due. */
class NumberHeap {
  #bag: Bag = { times: [], keys: [] };

  get least(): number | undefined {
    return this.#bag.times[0];
  }

  push(value: number): void {
    pushNear(this.#bag, value, "");
  }

  pop(): void {
    popNear(this.#bag);
  }
}
