/**
 * Values that were asked for lately, up to so many bytes of them: the one that nobody asked for longest goes first. The
 * last one is kept however large it is: who reads it again and again should not make it anew each time.
 */

interface Kept<V> {
  value: V;
  bytes: number;
}

export class RecentValues<K, V> {
  readonly #kept = new Map<K, Kept<V>>();
  #bytes = 0;

  constructor(readonly max_bytes: number) {}

  get(key: K): V | undefined {
    const found = this.#kept.get(key);
    if (!found) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found.value;
  }

  /** A key always means the same value. */
  put(key: K, value: V, bytes: number): void {
    if (this.#kept.has(key)) return;
    this.#kept.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#kept) {
      if (this.#bytes <= this.max_bytes || this.#kept.size === 1) return;
      this.#kept.delete(oldest);
      this.#bytes -= freed;
    }
  }
}
