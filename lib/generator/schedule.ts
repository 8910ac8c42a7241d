/** Events that will happen at a time of their own, earliest first; of equal times in the order in which they were planned. */

export class Schedule<T extends { time_ms: number }> {
  /** A binary heap; `order` settles ties. */
  readonly #heap: { event: T; order: number }[] = [];
  #count = 0;

  get size(): number {
    return this.#heap.length;
  }

  add(event: T): void {
    const heap = this.#heap;
    const entry = { event, order: this.#count++ };
    let at = heap.push(entry) - 1;
    while (at > 0 && isBefore(entry, heap[(at - 1) >> 1])) {
      heap[at] = heap[(at - 1) >> 1];
      at = (at - 1) >> 1;
    }
    heap[at] = entry;
  }

  /** The earliest event that happens by `time_ms`, taken out; null when there is none. */
  due(time_ms: number): T | null {
    const heap = this.#heap;
    if (heap.length === 0 || heap[0].event.time_ms > time_ms) return null;
    const { event } = heap[0];
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return event;
  }

  #sink(entry: { event: T; order: number }): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], entry)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = entry;
  }
}

function isBefore<T extends { time_ms: number }>(
  a: { event: T; order: number },
  b: { event: T; order: number },
): boolean {
  return a.event.time_ms < b.event.time_ms || (a.event.time_ms === b.event.time_ms && a.order < b.order);
}
