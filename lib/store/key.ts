/** Which keys a store takes, the same for all stores, so that what works on a laptop works in a cluster. */

const MAX_KEY_BYTES = 1024;
/** What file systems allow for one name. */
const MAX_PART_BYTES = 255;
/** S3 speaks of keys in XML, which cannot hold these. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f\ufffe\uffff]/;
const SURROGATE = /[\ud800-\udfff]/;
const encoder = new TextEncoder();

/** Throws a RangeError unless `key` reads `part/part/...` with parts that a file system and S3 both can hold. */
export function checkKey(key: string): string {
  const parts = key.split("/");
  if (parts.some((part) => part === "" || !isSafe(part)) || encoder.encode(key).length > MAX_KEY_BYTES) {
    throw new RangeError(`Cannot use the key ${JSON.stringify(key)}: it names no object`);
  }
  return key;
}

/** The same for the beginning of a key: "", "a", "a/", "a/b". */
export function checkPrefix(prefix: string): string {
  const parts = prefix.split("/");
  const last = parts.pop()!;
  if (parts.some((part) => part === "" || !isSafe(part)) || CONTROL.test(last)) {
    throw new RangeError(`Cannot list ${JSON.stringify(prefix)}: it begins no key`);
  }
  return prefix;
}

function isSafe(part: string): boolean {
  if (part === "." || part === ".." || !part.isWellFormed() || CONTROL.test(part)) return false;
  return part.length * 3 <= MAX_PART_BYTES || encoder.encode(part).length <= MAX_PART_BYTES;
}

/** The order of UTF-8 bytes, in which stores list (JavaScript compares UTF-16, which differs beyond U+D7FF). */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    // Halves of surrogate pairs stand for characters above all others.
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

/** Sorts in place by `compareKeys`. JavaScript's own order is many times faster, and the same without surrogates. */
export function sortKeys(keys: string[]): string[] {
  return keys.some((key) => SURROGATE.test(key)) ? keys.sort(compareKeys) : keys.sort();
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
