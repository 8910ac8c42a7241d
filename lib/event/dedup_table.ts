/**
 * Finds an entry by its hash: 256 small open-addressing tables of entry numbers (4 bytes each), linear probing.
 *
 * Each table grows by itself, by a quarter, when it is 70 % full: the longest pause is one rehash of 1/256 of all ids,
 * never do all tables exist twice, and a place costs 6 to 7 bytes an id. A small one grows fourfold, for then it is the
 * rehashing that costs. Removal shifts the followers back, so there are no gravestones to probe over.
 */
import type { DedupEntries } from "./dedup_entries.ts";

const TABLES = 256;
const MIN_SLOTS = 16;
/** Up to here memory does not count: 256 kB for all tables. */
const SMALL_SLOTS = 256;
const SMALL_GROWTH = 4;
const FULLEST = 0.7;
const AFTER_GROWTH = 0.56;
const EMPTIEST = 0.3;

export class DedupTable {
  /** Entry number + 1; 0 is a free slot. */
  #slots: Uint32Array<ArrayBuffer>[] = Array.from({ length: TABLES }, () => new Uint32Array(MIN_SLOTS));
  #used = new Uint32Array(TABLES);

  constructor(private readonly entries: DedupEntries) {}

  /** The entry of this hash, or -1. */
  find(high: number, low: number): number {
    const slots = this.#slots[high >>> 24];
    for (let at = home(low, slots.length); slots[at] !== 0; at = at + 1 === slots.length ? 0 : at + 1) {
      const entry = slots[at] - 1;
      if (this.entries.matches(entry, high, low)) return entry;
    }
    return -1;
  }

  /** Makes room for about so many ids at once; the tables must be empty. */
  reserve(ids: number): void {
    const slots = slotsFor(ids / TABLES);
    this.#slots = this.#slots.map(() => new Uint32Array(slots));
  }

  /** Adds an entry whose hash is not there yet. */
  add(high: number, low: number, entry: number): void {
    const table = high >>> 24;
    const used = ++this.#used[table];
    const { length } = this.#slots[table];
    if (used > length * FULLEST) {
      this.#resize(table, Math.max(slotsFor(used), Math.min(SMALL_GROWTH * length, SMALL_SLOTS)));
    }
    place(this.#slots[table], low, entry);
  }

  /** Takes the entry out; it must be there. */
  remove(high: number, low: number, entry: number): void {
    const table = high >>> 24;
    const slots = this.#slots[table];
    const { length } = slots;
    let hole = home(low, length);
    while (slots[hole] !== entry + 1) hole = hole + 1 === length ? 0 : hole + 1;
    for (let at = hole + 1 === length ? 0 : hole + 1; slots[at] !== 0; at = at + 1 === length ? 0 : at + 1) {
      const wanted = home(this.entries.low(slots[at] - 1), length);
      // A follower may move into the hole unless its own home lies between the hole and it.
      const stays = hole < at ? wanted > hole && wanted <= at : wanted > hole || wanted <= at;
      if (stays) continue;
      slots[hole] = slots[at];
      hole = at;
    }
    slots[hole] = 0;
    const used = --this.#used[table];
    if (used < length * EMPTIEST && length > SMALL_SLOTS) this.#resize(table, slotsFor(used));
  }

  #resize(table: number, length: number): void {
    const before = this.#slots[table];
    const slots = new Uint32Array(length);
    for (const slot of before) if (slot !== 0) place(slots, this.entries.low(slot - 1), slot - 1);
    this.#slots[table] = slots;
    // Given back at once: all tables grow at about the same time, and their old places would wait for a collection.
    before.buffer.transfer(0);
  }

  bytes(): number {
    return this.#slots.reduce((sum, slots) => sum + slots.byteLength, 0);
  }
}

function slotsFor(used: number): number {
  return Math.max(MIN_SLOTS, Math.ceil(used / AFTER_GROWTH));
}

/** Spreads the low word evenly over any number of slots. */
function home(low: number, slots: number): number {
  return Math.floor((low / 4_294_967_296) * slots);
}

function place(slots: Uint32Array, low: number, entry: number): void {
  let at = home(low, slots.length);
  while (slots[at] !== 0) at = at + 1 === slots.length ? 0 : at + 1;
  slots[at] = entry + 1;
}
