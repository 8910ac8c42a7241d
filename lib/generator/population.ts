/**
 * What the generator remembers of each customer: when they last bought, how often, and when their amounts were last
 * tampered with. A few bytes each, so that a million fit.
 *
 * Nobody buys twice within `GAP_MS` unless a fraud pattern says so: what the rules call a burst is then never chance.
 */
import type { Random } from "./random.ts";

/** With one purchase each 130 s nobody comes near 30 in an hour. */
export const GAP_MS = 130_000;
/** Purchases before a strange amount can be told from a usual one; the rule asks for 10. */
const ESTABLISHED = 20;
/** Purchases after which a strange amount no longer hides the next one. */
const RECOVERED = 60;
const TRIES = 24;
/** Lower numbers come more often: the exponent of a uniform draw. */
const SKEW = 1.4;

/** Who may be chosen: those whose number leaves one of `groups` when divided by 4, so that one pattern spares another's victims. */
export interface Wanted {
  established: boolean;
  groups: readonly number[];
}

export class Population {
  #busy_until = new Float64Array(0);
  #purchases = new Uint16Array(0);
  #tampered_at = new Uint16Array(0);

  constructor(private size: number) {
    this.grow(size);
  }

  grow(size: number): void {
    this.size = Math.max(1, size);
    if (this.#purchases.length >= this.size) return;
    const room = Math.ceil(this.size * 1.25);
    this.#busy_until = grown(new Float64Array(room).fill(-Infinity), this.#busy_until);
    this.#purchases = grown(new Uint16Array(room), this.#purchases);
    this.#tampered_at = grown(new Uint16Array(room), this.#tampered_at);
  }

  /** Somebody of the first `among` who may buy now; null when everybody just did. */
  shopper(random: Random, time_ms: number, among = this.size): number | null {
    return this.#find(random, (number) => this.#isFree(number, time_ms), Math.min(among, this.size));
  }

  victim(random: Random, time_ms: number, { established, groups }: Wanted): number | null {
    return this.#find(random, (number) => {
      if (!groups.includes(number % 4) || !this.#isFree(number, time_ms)) return false;
      if (!established) return true;
      const [count, tampered_at] = [this.#purchases[number], this.#tampered_at[number]];
      return count >= ESTABLISHED && (tampered_at === 0 || count - tampered_at >= RECOVERED);
    });
  }

  /** Anybody of the first `among`. */
  anyone(random: Random, among = this.size): number {
    return Math.floor(among * random.next() ** SKEW);
  }

  /** Purchases so far. */
  purchases(number: number): number {
    return this.#purchases[number];
  }

  bought(number: number, time_ms: number): void {
    this.#busy_until[number] = Math.max(this.#busy_until[number], time_ms + GAP_MS);
    if (this.#purchases[number] < 0xffff) this.#purchases[number]++;
  }

  /** Keeps others away from a victim until its burst is over. */
  reserve(number: number, until_ms: number, tampered: boolean): void {
    this.#busy_until[number] = until_ms + GAP_MS;
    if (tampered) this.#tampered_at[number] = Math.max(1, this.#purchases[number]);
  }

  #isFree(number: number, time_ms: number): boolean {
    return this.#busy_until[number] <= time_ms;
  }

  #find(random: Random, suits: (number: number) => boolean, among = this.size): number | null {
    for (let i = 0; i < TRIES; i++) {
      const number = this.anyone(random, among);
      if (suits(number)) return number;
    }
    return null;
  }
}

function grown<A extends Float64Array | Uint16Array>(next: A, before: A): A {
  next.set(before);
  return next;
}
