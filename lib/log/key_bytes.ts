/**
 * The UTF-8 bytes of a key. Keys are short and nearly always ASCII, where a character is a byte and a call to the encoder
 * would cost more than all of them: those are written over the bytes of the key before, so an answer holds until the
 * next call.
 */

const encoder = new TextEncoder();
const shared = new Uint8Array(256);
const beginnings = Array.from({ length: shared.length + 1 }, (_, length) => shared.subarray(0, length));

export function keyBytes(key: string): Uint8Array {
  if (key.length > shared.length) return encoder.encode(key);
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code > 0x7f) return encoder.encode(key);
    shared[at] = code;
  }
  return beginnings[key.length];
}
