/**
 * A hint whether an id came by lately: bounded, of this process only, and never the reason to leave a record out.
 *
 * Each id has one slot by its hash, and is forgotten when another one takes that slot: no list to keep in order, nothing
 * to be collected, and a repetition within a sender's few minutes is mostly seen.
 */
import { idHash } from "../lib/event/id_hash.ts";

const SLOTS = 131_072;

export class SeenIds {
  /** The two words of a hash for each slot; zeros are no hash. */
  readonly #hashes: Uint32Array;

  constructor(slots: number = SLOTS) {
    this.#hashes = new Uint32Array(2 * slots);
  }

  /** Whether the source's `id` was seen before; remembers it. */
  see(source: string, id: string): boolean {
    const hashes = this.#hashes;
    const { high, low } = idHash(source, "", id);
    const at = 2 * (high % (hashes.length / 2));
    const known = hashes[at] === high && hashes[at + 1] === low;
    hashes[at] = high;
    hashes[at + 1] = low;
    return known;
  }
}
