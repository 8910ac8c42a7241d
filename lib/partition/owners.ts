/** The partitions that one worker owns at present: begins what it is given, lets go of what is taken away. */

export interface OwnersOptions {
  /** Owns one partition until its signal aborts (owner.ts). */
  own(partition: number, signal: AbortSignal): Promise<void>;
  waiting(reason: string): void;
}

interface Running {
  abort: AbortController;
  ended: Promise<void>;
}

export class Owners {
  readonly #running = new Map<number, Running>();
  readonly #failure = Promise.withResolvers<never>();

  constructor(private readonly options: OwnersOptions) {
    this.#failure.promise.catch(() => undefined);
  }

  /** Rejects when an owner failed for good; never resolves. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  get partitions(): number[] {
    return [...this.#running.keys()];
  }

  /** Resolves when everything that is not in `owned` was decided and let go; what is new has begun by then. */
  async change(owned: ReadonlySet<number>): Promise<void> {
    const leaving = [...this.#running].filter(([partition]) => !owned.has(partition));
    for (const [, { abort }] of leaving) abort.abort(new Error("the partition belongs to another owner now"));
    for (const partition of owned) if (!this.#running.has(partition)) this.#begin(partition);
    for (const [partition, { ended }] of leaving) {
      this.options.waiting(`the last checkpoint of partition ${partition}`);
      await ended;
      this.#running.delete(partition);
    }
  }

  #begin(partition: number): void {
    const abort = new AbortController();
    const ended = this.options.own(partition, abort.signal).catch((error) => this.#failure.reject(error));
    this.#running.set(partition, { abort, ended });
  }
}
