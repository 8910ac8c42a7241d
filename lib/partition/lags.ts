/**
 * How far behind the partitions of a thread are, also while their owners do not come to tell it. One that waits for a store
 * that is away says nothing, and what it said last would stand as long as that lasts.
 */

export interface Lag {
  records: number;
  /** How long the oldest of them has waited. */
  seconds: number;
}

export class Lags {
  readonly #heard = new Map<number, Lag & { at_ms: number }>();

  /** An owner at work is heard at least every `silence_ms`. */
  constructor(readonly silence_ms: number) {}

  heard(partition: number, lag: Lag, now_ms: number): void {
    this.#heard.set(partition, { ...lag, at_ms: now_ms });
  }

  /** Nobody owns it here any more. */
  forget(partition: number): void {
    this.#heard.delete(partition);
  }

  /** By partition, as they are now: what waited then has waited on since, and so has what silence hides. */
  at(now_ms: number): Map<number, Lag> {
    return new Map([...this.#heard].map(([partition, { records, seconds, at_ms }]) => {
      const since_ms = Math.max(0, now_ms - at_ms);
      const waits = records > 0 || since_ms > this.silence_ms;
      return [partition, { records, seconds: waits ? seconds + since_ms / 1000 : seconds }];
    }));
  }
}
