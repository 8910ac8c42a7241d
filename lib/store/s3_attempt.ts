/**
 * Calls to S3 that are made again when that can help, after a pause of random length up to a bound that doubles (full
 * jitter: many who failed together do not come back together). Against a store that is away that helps nobody.
 *
 *   answer ─┬─► trouble, again, again ... for away_after_ms ─► away: one attempt a call ─► answer: patient as before
 */
import { type Clock, elapsedMs } from "../clock.ts";
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
  /**
   * For who answers somebody that waits: once nothing got an answer for so long the store is known to be away, and each
   * call is one attempt, that long at most, until one succeeds. Absent: every call has all its attempts.
   */
  away_after_ms?: number;
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

/** Trouble that is older says nothing of a store that nobody asked since. */
const STALE_MS = 30_000;

export class Attempts {
  readonly #patience: Patience;
  #answered_ms = -Infinity;
  /** Since the last answer. */
  #trouble: { since_ms: number; last_ms: number } | null = null;
  readonly #makeBucket: () => Promise<void>;

  /** `makeBucket` is called when the bucket turns out to be missing, and then the call is made again. */
  constructor(patience: Patience, makeBucket: () => Promise<void>) {
    this.#patience = patience;
    this.#makeBucket = makeBucket;
  }

  /** Runs `act` until it succeeds; rejects with a Fault ("Cannot <what>: ...") when it cannot, or will not in time. */
  async run<T>(what: string, act: (deadline: Deadline) => Promise<T>, options: RunOptions = {}): Promise<T> {
    const { clock, random, attempts, base_ms, cap_ms, silence_ms, away_after_ms = Infinity } = this.#patience;
    const { signal, onTrouble } = options;
    let isBucketMissing = false;
    for (let attempt = 1;; attempt++) {
      signal?.throwIfAborted();
      const began_ms = clock.now();
      using deadline = new Deadline(
        this.#isAway() ? Math.min(away_after_ms, silence_ms) : silence_ms,
        signal,
      );
      try {
        if (isBucketMissing) await this.#makeBucket();
        const result = await act(deadline);
        this.#answered();
        return result;
      } catch (error) {
        if (signal?.aborted) {
          onTrouble?.({ effect: "unknown" });
          throw signal.reason;
        }
        const trouble = troubleOf(deadline.signal.aborted ? deadline.signal.reason : error);
        onTrouble?.(trouble);
        if (trouble.code === "store_unavailable") this.#failed(began_ms);
        else this.#answered();
        if (!trouble.again || attempt >= attempts || this.#isAway()) throw faultOf(trouble, what);
        isBucketMissing = trouble.code === "store_no_bucket";
      }
      await clock.sleep(random() * Math.min(cap_ms, base_ms * 2 ** attempt), signal);
    }
  }

  #answered(): void {
    this.#answered_ms = this.#patience.clock.now();
    this.#trouble = null;
  }

  #failed(began_ms: number): void {
    const last_ms = this.#patience.clock.now();
    const isNew = this.#trouble === null || elapsedMs(this.#trouble.last_ms, last_ms) > STALE_MS;
    const since_ms = isNew ? Math.max(began_ms, this.#answered_ms) : this.#trouble!.since_ms;
    this.#trouble = { since_ms, last_ms };
  }

  #isAway(): boolean {
    if (this.#trouble === null) return false;
    const { since_ms, last_ms } = this.#trouble;
    return last_ms - since_ms >= (this.#patience.away_after_ms ?? Infinity);
  }
}
