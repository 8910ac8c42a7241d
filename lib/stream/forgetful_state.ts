/**
 * A rule's memory by key, which lets go of keys whose whole history is older than anything can need.
 *
 * When a key appears, a timer is set for the moment at which its history will be of no use; whoever is woken and still
 * has newer history sets the next. So an idle key costs nothing until it goes, and a busy one a look now and then.
 */
import { HOUR_US } from "./moment.ts";
import type { StateSpace } from "./operator.ts";
import { TimerQueue } from "./timer_queue.ts";

export class ForgetfulState<T> {
  #timers = new TimerQueue();
  #swept_us = -Infinity;

  constructor(
    private readonly space: StateSpace<T>,
    /** The moment from which the value is of no use. */
    private readonly useless_us: (value: T) => number,
  ) {
    for (const [key, value] of space.entries()) this.#timers.push(useless_us(value), key);
  }

  get(key: string): T | undefined {
    return this.space.get(key);
  }

  put(key: string, value: T, before: T | undefined): void {
    if (before === undefined) this.#timers.push(this.useless_us(value), key);
    this.space.put(key, value);
  }

  /** Forgets what was of no use at the last full hour before `now_us`. To be called when the watermark passes an hour. */
  sweep(now_us: number): void {
    const hour_us = Math.floor(now_us / HOUR_US) * HOUR_US;
    if (hour_us <= this.#swept_us) return;
    this.#swept_us = hour_us;
    const due = new Set<string>();
    this.#timers.takeDue(hour_us, due);
    for (const key of due) {
      const value = this.get(key);
      if (value === undefined) continue;
      const useless_us = this.useless_us(value);
      if (useless_us <= hour_us) this.space.delete(key);
      else this.#timers.push(useless_us, key);
    }
  }
}
