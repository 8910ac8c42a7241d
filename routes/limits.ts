/**
 * How much anybody may send: token buckets by key on an injected clock, with a bound on how many are remembered.
 *
 * A bucket holds one second's worth. Work that is larger than what is left is let through once and leaves a debt,
 * so that a batch of any size can be accepted and the rate still holds over time.
 */
import type { Clock } from "../lib/clock.ts";

interface Bucket {
  tokens: number;
  at_ms: number;
}

export interface RateOptions {
  /** 0: no limit. */
  rate_per_second: number;
  clock: Pick<Clock, "now">;
  /** Keys remembered at most; the one idle for longest goes first. */
  max_keys?: number;
}

const MAX_KEYS = 10_000;

export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #rate: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #maxKeys: number;

  constructor(options: RateOptions) {
    this.#rate = options.rate_per_second;
    this.#clock = options.clock;
    this.#maxKeys = options.max_keys ?? MAX_KEYS;
  }

  /** Takes `count` and answers 0, or takes nothing and answers the whole seconds to wait. */
  take(key: string, count = 1): number {
    const wait_s = this.wait(key);
    if (wait_s === 0 && this.#rate > 0) this.#bucket(key).tokens -= count;
    return wait_s;
  }

  /** Whole seconds until something may be taken; takes nothing. */
  wait(key: string): number {
    if (this.#rate === 0) return 0;
    const { tokens } = this.#bucket(key);
    return tokens > 0 ? 0 : Math.max(1, Math.ceil(-tokens / this.#rate));
  }

  get keys(): number {
    return this.#buckets.size;
  }

  #bucket(key: string): Bucket {
    const now = this.#clock.now();
    let bucket = this.#buckets.get(key);
    if (bucket) {
      // A clock set back gives nothing and takes nothing.
      const elapsed_s = Math.max(0, now - bucket.at_ms) / 1000;
      bucket.tokens = Math.min(this.#rate, bucket.tokens + elapsed_s * this.#rate);
      bucket.at_ms = now;
      if (this.#buckets.size < this.#maxKeys) return bucket;
      this.#buckets.delete(key);
    } else bucket = { tokens: this.#rate, at_ms: now };
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#maxKeys) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket;
  }
}

/** Bytes of bodies that are in memory at once; whoever comes when it is full is told to come again. */
export class BytesInFlight {
  #held = 0;

  constructor(readonly max_bytes: number) {}

  /** false: there is no room, and nothing was taken. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.max_bytes) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }

  get held_bytes(): number {
    return this.#held;
  }
}
