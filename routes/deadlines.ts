/**
 * One deadline for many waiters, watched by one sleeper instead of a timer each.
 *
 *   waits   |-------x                    x: met in time, forgotten
 *             |-----------------!        !: expires
 *                   |-----x
 *   sleeper |-----------|-------|--.     wakes for the oldest that was there when it fell asleep
 *
 * All waits are equally long, so the oldest is always the next to expire: a set in order of arrival is the whole
 * queue. A wait that is met costs nothing more; the sleeper ends when it wakes and nobody waits.
 */
import type { Clock } from "../lib/clock.ts";

export interface Deadline {
  readonly at_ms: number;
  expire(): void;
}

export class Deadlines {
  readonly #waiting = new Set<Deadline>();
  #isWatched = false;

  constructor(readonly timeout_ms: number, readonly clock: Clock) {}

  /** Calls `expire` when the time is over, unless `met` was called with the result before. */
  start(expire: () => void): Deadline {
    const deadline = { at_ms: this.clock.now() + this.timeout_ms, expire };
    this.#waiting.add(deadline);
    if (!this.#isWatched) void this.#watch();
    return deadline;
  }

  met(deadline: Deadline): void {
    this.#waiting.delete(deadline);
  }

  async #watch(): Promise<void> {
    this.#isWatched = true;
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const left_ms = next.at_ms - this.clock.now();
      if (left_ms > 0) await this.clock.sleep(left_ms);
      else {
        this.#waiting.delete(next);
        next.expire();
      }
    }
    this.#isWatched = false;
  }
}
