/**
 * One sender, many readers of different speed, and at most one message in memory for each of them.
 *
 *   publish ──► reader that waits      gets it at once
 *          └──► reader that is busy    has it merged into the one that waits for it
 */

export interface Feed<T> {
  /** The next message; null when the sender closed or the signal aborted. */
  next(signal?: AbortSignal): Promise<T | null>;
  leave(): void;
}

export class Fanout<T> {
  readonly #readers = new Set<Reader<T>>();
  #isClosed = false;

  constructor(readonly merge: (older: T, newer: T) => T, readonly max_readers: number) {}

  get readers(): number {
    return this.#readers.size;
  }

  /** null when there are as many readers as may be. */
  join(): Feed<T> | null {
    if (this.#isClosed || this.#readers.size >= this.max_readers) return null;
    const reader = new Reader(this.merge, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  publish(message: T): void {
    for (const reader of this.#readers) reader.take(message);
  }

  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.leave();
  }
}

class Reader<T> implements Feed<T> {
  #pending: T | null = null;
  #wake: (() => void) | null = null;
  #isGone = false;

  constructor(readonly merge: (older: T, newer: T) => T, readonly gone: () => void) {}

  take(message: T): void {
    this.#pending = this.#pending === null ? message : this.merge(this.#pending, message);
    this.#wake?.();
  }

  async next(signal?: AbortSignal): Promise<T | null> {
    while (this.#pending === null && !this.#isGone && !signal?.aborted) await this.#something(signal);
    const message = this.#isGone || signal?.aborted ? null : this.#pending;
    if (message !== null) this.#pending = null;
    return message;
  }

  leave(): void {
    this.#isGone = true;
    this.gone();
    this.#wake?.();
  }

  #something(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener("abort", wake);
        this.#wake = null;
        resolve();
      };
      this.#wake = wake;
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}
