/**
 * Calls to S3 that are made again when that can help, after a pause of random length up to a bound that doubles (full
 * jitter: many who failed together do not come back together).
 */
import type { Clock } from "../clock.ts";
import { faultOf, type Trouble, troubleOf } from "./s3_trouble.ts";

export interface Patience {
  clock: Clock;
  /** 0 <= n < 1. */
  random: () => number;
  attempts: number;
  base_ms: number;
  cap_ms: number;
  /** How long one attempt may go without a sign of life. */
  silence_ms: number;
}

export interface RunOptions {
  signal?: AbortSignal;
  /** Told of each failed attempt, before the next. */
  onTrouble?: (trouble: Pick<Trouble, "effect">) => void;
}

/** Ends an attempt that has gone silent, or whose caller left. */
export class Deadline implements Disposable {
  readonly #ms: number;
  readonly #controller = new AbortController();
  readonly #caller?: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #leave = () => this.#controller.abort(this.#caller?.reason);

  constructor(ms: number, caller?: AbortSignal) {
    this.#ms = ms;
    this.#caller = caller;
    caller?.addEventListener("abort", this.#leave, { once: true });
    this.extend();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A sign of life: the time begins anew. */
  extend(): void {
    clearTimeout(this.#timer);
    const late = new DOMException(`nothing came for ${this.#ms} ms`, "TimeoutError");
    this.#timer = setTimeout(() => this.#controller.abort(late), this.#ms);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#leave);
  }
}

export class Attempts {
  readonly #patience: Patience;
  readonly #makeBucket: () => Promise<void>;

  /** `makeBucket` is called when the bucket turns out to be missing, and then the call is made again. */
  constructor(patience: Patience, makeBucket: () => Promise<void>) {
    this.#patience = patience;
    this.#makeBucket = makeBucket;
  }

  /** Runs `act` until it succeeds; rejects with a Fault ("Cannot <what>: ...") when it cannot, or will not in time. */
  async run<T>(what: string, act: (deadline: Deadline) => Promise<T>, options: RunOptions = {}): Promise<T> {
    const { clock, random, attempts, base_ms, cap_ms, silence_ms } = this.#patience;
    const { signal, onTrouble } = options;
    let isBucketMissing = false;
    for (let attempt = 1;; attempt++) {
      signal?.throwIfAborted();
      using deadline = new Deadline(silence_ms, signal);
      try {
        if (isBucketMissing) await this.#makeBucket();
        return await act(deadline);
      } catch (error) {
        if (signal?.aborted) {
          onTrouble?.({ effect: "unknown" });
          throw signal.reason;
        }
        const trouble = troubleOf(deadline.signal.aborted ? deadline.signal.reason : error);
        onTrouble?.(trouble);
        if (!trouble.again || attempt >= attempts) throw faultOf(trouble, what);
        isBucketMissing = trouble.code === "store_no_bucket";
      }
      await clock.sleep(random() * Math.min(cap_ms, base_ms * 2 ** attempt), signal);
    }
  }
}
