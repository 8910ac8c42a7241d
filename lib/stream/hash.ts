/**
 * A fast 128-bit hash of text for ids of results: spreads well, and is not meant to withstand an adversary.
 *
 * Four 32-bit lanes take each UTF-16 unit with a multiplier of their own and are stirred together at the end.
 */

const HEX4 = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, "0"));

/** 32 hex digits. */
export function hash128(text: string): string {
  let a = 0x6a09e667, b = 0xbb67ae85, c = 0x3c6ef372, d = 0xa54ff53a;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = b ^ Math.imul(a ^ unit, 0x9e3779b1);
    b = c ^ Math.imul(b ^ unit, 0x85ebca77);
    c = d ^ Math.imul(c ^ unit, 0xc2b2ae3d);
    d = a ^ Math.imul(d ^ unit, 0x27d4eb2f);
  }
  a = stir(a ^ text.length);
  b = stir(b ^ a);
  c = stir(c ^ b);
  d = stir(d ^ c);
  a = stir(a + d | 0);
  return hex(a) + hex(b) + hex(c) + hex(d);
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
