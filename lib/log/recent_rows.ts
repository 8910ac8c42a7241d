/** Rows that were read lately, up to so many bytes of them: the first that came is the first to go. */

export interface Sized {
  bytes: Uint8Array;
}

export class RecentRows<R extends Sized> {
  readonly #rows = new Map<number, R>();
  #bytes = 0;

  constructor(readonly max_bytes: number) {}

  get(number: number): R | undefined {
    return this.#rows.get(number);
  }

  /** A row that is larger than all that may be kept is not. */
  put(number: number, row: R): void {
    if (row.bytes.length > this.max_bytes) return;
    this.#rows.set(number, row);
    this.#bytes += row.bytes.length;
    for (const [oldest, { bytes }] of this.#rows) {
      if (this.#bytes <= this.max_bytes) return;
      this.#rows.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}
