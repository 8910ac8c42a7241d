/**
 * A token bucket: gives out as many tokens a second as the rate says, in handfuls of a tenth of a second. What gathers
 * while nobody asks is bounded, so that a stall is not followed by a flood.
 */
import type { Clock } from "../clock.ts";

/** A handful is what comes together in this time. */
const HANDFUL_MS = 100;
/** What may gather while nobody asks, in time. */
const ROOM_MS = 500;

export class TokenBucket {
  #tokens = 0;
  #filled_at: number;

  constructor(private readonly clock: Clock, private per_second: number) {
    this.#filled_at = clock.now();
  }

  get rate(): number {
    return this.per_second;
  }

  setRate(per_second: number): void {
    this.#fill();
    this.per_second = per_second;
  }

  /** Waits for a handful and takes it; at most `most`. Rejects with the signal's reason when it aborts. */
  async take(most: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      this.#fill();
      const wanted = Math.min(most, Math.max(1, Math.floor(this.per_second * HANDFUL_MS / 1000)));
      if (this.#tokens >= wanted) {
        const taken = Math.min(most, Math.floor(this.#tokens));
        this.#tokens -= taken;
        return taken;
      }
      const missing_ms = (wanted - this.#tokens) / this.per_second * 1000;
      await this.clock.sleep(Math.max(1, Math.ceil(missing_ms)), signal);
    }
  }

  #fill(): void {
    const now = this.clock.now();
    const room = Math.max(1, this.per_second * ROOM_MS / 1000);
    this.#tokens = Math.min(room, this.#tokens + Math.max(0, now - this.#filled_at) * this.per_second / 1000);
    this.#filled_at = now;
  }
}
