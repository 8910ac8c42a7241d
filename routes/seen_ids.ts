/** A hint whether an id came by lately: bounded, of this process only, and never the reason to leave a record out. */

const MAX_IDS = 50_000;

export class SeenIds {
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(readonly max_ids: number = MAX_IDS) {}

  /** Whether `id` was seen before; remembers it. */
  see(id: string): boolean {
    const { size } = this.#young;
    // Whether it was there already is told by the size: each look costs as much as the whole answer's text.
    const known = this.#young.add(id).size === size || this.#old.has(id);
    // Two generations forget in halves, without an order to keep.
    if (this.#young.size * 2 >= this.max_ids) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    return known;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
