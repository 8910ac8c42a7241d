/**
 * One deadline for many waiters, watched by one sleeper instead of a timer each.
 *
 * All waits are equally long, so the oldest is always the next to expire: a set in order of arrival is the whole
 * queue. The sleeper ends when nobody waits.
 */
import type { Clock } from "../lib/clock.ts";

export interface Deadline {
  readonly at_ms: number;
  expire(): void;
}

export class Deadlines {
  readonly #waiting = new Set<Deadline>();
  #watching: AbortController | null = null;

  constructor(readonly timeout_ms: number, readonly clock: Clock) {}

  /** Calls `expire` when the time is over, unless `met` was called with the result before. */
  start(expire: () => void): Deadline {
    const deadline = { at_ms: this.clock.now() + this.timeout_ms, expire };
    this.#waiting.add(deadline);
    if (this.#watching === null) void this.#watch(this.#watching = new AbortController());
    return deadline;
  }

  met(deadline: Deadline): void {
    this.#waiting.delete(deadline);
    if (this.#waiting.size > 0) return;
    this.#watching?.abort();
    this.#watching = null;
  }

  async #watch(stop: AbortController): Promise<void> {
    while (!stop.signal.aborted) {
      const [next] = this.#waiting;
      const left_ms = next.at_ms - this.clock.now();
      if (left_ms <= 0) {
        this.met(next);
        next.expire();
      } else await this.clock.sleep(left_ms, stop.signal).catch(ignoreAbort(stop.signal));
    }
  }
}

function ignoreAbort(signal: AbortSignal) {
  return (thrown: unknown) => {
    if (!signal.aborted) throw thrown;
  };
}
