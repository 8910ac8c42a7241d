/** Partitions dealt out once, by number: how owners in one program share the embedded log, where nobody joins or leaves. */
import type { Assignment } from "./log.ts";

export interface StaticShare {
  partitions: number;
  /** This owner, from 0, of so many. */
  index?: number;
  owners?: number;
}

/** The share of one owner: partition p belongs to owner p mod owners. */
export function shareOf({ partitions, index = 0, owners = 1 }: StaticShare): ReadonlySet<number> {
  if (!(index >= 0 && index < owners)) throw new RangeError(`There is no owner ${index} of ${owners}`);
  return new Set(Array.from({ length: partitions }, (_, p) => p).filter((p) => p % owners === index));
}

export class StaticAssignment implements Assignment {
  readonly #owned: ReadonlySet<number>;
  readonly #closed = new AbortController();

  constructor(share: StaticShare) {
    this.#owned = shareOf(share);
  }

  async follow(
    change: (owned: ReadonlySet<number>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const end = AbortSignal.any([signal, this.#closed.signal]);
    if (!end.aborted) {
      await change(this.#owned);
      await aborted(end);
    }
    await change(new Set());
  }

  /** Nobody is there to be told. */
  advise(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
