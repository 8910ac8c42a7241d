/**
 * A 64-bit hash of (source, kind, event_id) as two 32-bit words: two lanes of murmur3 with different constants.
 *
 * Twenty million ids meet by chance once in a hundred thousand partitions. It is no defence against a sender that
 * looks for collisions: the source is part of the hash, so such a sender can only lose events of its own.
 */
export interface IdHash {
  high: number;
  low: number;
}

/** The hash as unsigned words; never (0, 0), which marks a removed entry. */
export function idHash(source: string, kind: string, event_id: string): IdHash {
  const text = `${source}\u0000${kind}\u0000${event_id}`;
  let a = 0x9747b28c ^ text.length;
  let b = 0x3c6ef372 ^ text.length;
  for (let at = 0; at < text.length; at += 2) {
    // Beyond the end charCodeAt is NaN, which counts as 0; the length tells such texts apart.
    const word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
    a = step(a, word, 0xcc9e2d51, 0x1b873593);
    b = step(b, word, 0x239b961b, 0xab0e9789);
  }
  const low = finish(b ^ finish(a));
  return { high: finish(a ^ low), low: low === 0 ? 1 : low };
}

/** 32 bits of a content text, for telling equal copies from unequal ones. */
export function contentHash(content: string): number {
  return idHash("", "", content).high;
}

function step(hash: number, word: number, c1: number, c2: number): number {
  let k = Math.imul(word, c1);
  k = (k << 15) | (k >>> 17);
  hash ^= Math.imul(k, c2);
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
