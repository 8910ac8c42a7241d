/**
 * Sees owners that stand still. Everything an owner waits for has a deadline of its own, so its loop turns at least
 * every few seconds; one that did not turn for minutes waits for an answer that never comes, and only a new thread helps.
 *
 *   owner: turn ─ turn ─ turn ─────────── (nothing) ───────────►
 *   watchdog:                    |◄──── STANDSTILL_MS ────►| named
 */

/** Longer than the work on any piece of state, and than one try at a store or a broker. */
const STANDSTILL_MS = 300_000;

export class Watchdog {
  readonly #turned = new Map<number, number>();

  constructor(readonly standstill_ms = STANDSTILL_MS) {}

  /** The owner of `partition` went on: it begins, restored a piece, read, decided, or waits for another owner on purpose. */
  turned(partition: number, now_ms: number): void {
    this.#turned.set(partition, now_ms);
  }

  /** Nobody owns it here any more. */
  forget(partition: number): void {
    this.#turned.delete(partition);
  }

  /** Partitions whose owners stand still. */
  still(now_ms: number): number[] {
    return [...this.#turned].filter(([, at]) => now_ms - at >= this.standstill_ms).map(([partition]) =>
      partition
    );
  }
}
