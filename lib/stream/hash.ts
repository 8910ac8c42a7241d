/**
 * A fast 128-bit hash of text for ids of results: spreads well, and is not meant to withstand an adversary.
 *
 * Four 32-bit lanes take each UTF-16 unit with a multiplier of their own and are stirred together at the end.
 */

const HEX4 = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, "0"));
const TWO_32 = 4_294_967_296;

/** 32 hex digits. */
export function hash128(text: string): string {
  return new HashPrefix("").of(text, 0);
}

/** Hashes of many texts that begin alike: the beginning is taken in once. */
export class HashPrefix {
  #a = 0x6a09e667;
  #b = 0xbb67ae85;
  #c = 0x3c6ef372;
  #d = 0xa54ff53a;

  constructor(prefix: string) {
    for (let at = 0; at < prefix.length; at++) {
      const unit = prefix.charCodeAt(at);
      this.#a = this.#b ^ Math.imul(this.#a ^ unit, 0x9e3779b1);
      this.#b = this.#c ^ Math.imul(this.#b ^ unit, 0x85ebca77);
      this.#c = this.#d ^ Math.imul(this.#c ^ unit, 0xc2b2ae3d);
      this.#d = this.#a ^ Math.imul(this.#d ^ unit, 0x27d4eb2f);
    }
  }

  /** Of the prefix, a text and a whole number up to 2^53; 32 hex digits. */
  of(text: string, number: number): string {
    let [a, b, c, d] = [this.#a, this.#b, this.#c, this.#d];
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      a = b ^ Math.imul(a ^ unit, 0x9e3779b1);
      b = c ^ Math.imul(b ^ unit, 0x85ebca77);
      c = d ^ Math.imul(c ^ unit, 0xc2b2ae3d);
      d = a ^ Math.imul(d ^ unit, 0x27d4eb2f);
    }
    const high = Math.floor(number / TWO_32);
    a = stir(a ^ text.length);
    b = stir(b ^ a ^ (number - high * TWO_32 | 0));
    c = stir(c ^ b ^ high);
    d = stir(d ^ c);
    b = stir(b + d | 0);
    a = stir(a + b | 0);
    return hex(a) + hex(b) + hex(c) + hex(d);
  }
}

/** Every bit of the result depends on every bit of `h`. */
function stir(h: number): number {
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return h ^ h >>> 16;
}

function hex(h: number): string {
  return HEX4[h >>> 16] + HEX4[h & 0xffff];
}
