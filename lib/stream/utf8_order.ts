/** The order of texts by their UTF-8 bytes, which is the order of their code points. */

/**
 * Negative, zero or positive. Differs from JavaScript's own order only where a surrogate pair meets a unit above it
 * (U+E000 to U+FFFF), which comes first here.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Units in the order of the code points that they begin. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
