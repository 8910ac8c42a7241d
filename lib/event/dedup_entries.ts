/**
 * Remembered ids in order of arrival: one queue a window length, in chunks of typed arrays.
 *
 *   queue 7 d:  [.. xxxx] [xxxxxxx] [xxx ....]      an entry is 16 bytes: hash (8), content (4), time (4, to the chunk's base)
 *   queue 1 h:  [ xxxxx.]                           . free   x entry
 *
 * Entries enter at the tail and leave at the head, so memory is given back chunk by chunk and never copied. An entry
 * is addressed by a number that stays the same while it lives: the chunk's number and 12 bits of place.
 */
import type { WordReader, WordWriter } from "./word_buffer.ts";

const CHUNK_BITS = 12;
const CHUNK_ENTRIES = 1 << CHUNK_BITS;
const PLACE = CHUNK_ENTRIES - 1;
const WORDS = 4;
const [HIGH, LOW, CONTENT, TIME] = [0, 1, 2, 3];
/** Times of a chunk lie within 2^31 ms (24 days) of its base. */
const MAX_OFFSET_MS = 2 ** 31 - 1;

interface Chunk {
  words: Uint32Array;
  window_ms: number;
  base_ms: number;
  /** First entry that is still there, and the place behind the last. */
  start: number;
  end: number;
}

export interface Queue {
  window_ms: number;
  /** Numbers of chunks, oldest first. */
  chunks: number[];
}

export class DedupEntries {
  readonly queues: Queue[] = [];
  readonly #chunks: (Chunk | null)[] = [];
  readonly #free: number[] = [];

  /** The queue of a window length, made when it is new. */
  queueOf(window_ms: number): number {
    const found = this.queues.findIndex((queue) => queue.window_ms === window_ms);
    return found >= 0 ? found : this.queues.push({ window_ms, chunks: [] }) - 1;
  }

  append(queue: number, high: number, low: number, content: number, time_ms: number): number {
    const number = this.#tail(queue, time_ms);
    const chunk = this.#chunk(number);
    const place = chunk.end++;
    const at = place * WORDS;
    chunk.words[at + HIGH] = high;
    chunk.words[at + LOW] = low;
    chunk.words[at + CONTENT] = content;
    chunk.words[at + TIME] = time_ms - chunk.base_ms;
    return number * CHUNK_ENTRIES + place;
  }

  /** The chunk that has room for an entry of this time. */
  #tail(queue: number, time_ms: number): number {
    const { chunks } = this.queues[queue];
    const last = chunks.at(-1);
    if (last !== undefined) {
      const { end, base_ms } = this.#chunk(last);
      if (end < CHUNK_ENTRIES && Math.abs(time_ms - base_ms) <= MAX_OFFSET_MS) return last;
    }
    return this.#push(queue, { ...this.#newChunk(queue), base_ms: time_ms });
  }

  #newChunk(queue: number): Chunk {
    const { window_ms } = this.queues[queue];
    return { words: new Uint32Array(CHUNK_ENTRIES * WORDS), window_ms, base_ms: 0, start: 0, end: 0 };
  }

  #push(queue: number, chunk: Chunk): number {
    const number = this.#free.pop() ?? this.#chunks.length;
    this.#chunks[number] = chunk;
    this.queues[queue].chunks.push(number);
    return number;
  }

  #chunk(number: number): Chunk {
    const chunk = this.#chunks[number];
    if (!chunk) throw new RangeError(`No chunk ${number}`);
    return chunk;
  }

  /** The number of a queue's oldest entry, or -1. */
  head(queue: number): number {
    const number = this.queues[queue].chunks[0];
    return number === undefined ? -1 : number * CHUNK_ENTRIES + this.#chunk(number).start;
  }

  /** Lets go of a queue's oldest entry. */
  pop(queue: number): void {
    const { chunks } = this.queues[queue];
    const chunk = this.#chunk(chunks[0]);
    chunk.start++;
    if (chunk.start < chunk.end) return;
    // A chunk that filled up, or that ran empty: either way nothing of it is left.
    const number = chunks.shift()!;
    this.#chunks[number] = null;
    this.#free.push(number);
  }

  matches(entry: number, high: number, low: number): boolean {
    const { words } = this.#chunks[entry >>> CHUNK_BITS]!;
    const at = (entry & PLACE) * WORDS;
    return words[at + LOW] === low && words[at + HIGH] === high;
  }

  high(entry: number): number {
    return this.#word(entry, HIGH);
  }

  low(entry: number): number {
    return this.#word(entry, LOW);
  }

  content(entry: number): number {
    return this.#word(entry, CONTENT);
  }

  time(entry: number): number {
    const { base_ms } = this.#chunk(entry >>> CHUNK_BITS);
    return base_ms + (this.#word(entry, TIME) | 0);
  }

  /** How long the entry is remembered. */
  window(entry: number): number {
    return this.#chunk(entry >>> CHUNK_BITS).window_ms;
  }

  #word(entry: number, word: number): number {
    return this.#chunk(entry >>> CHUNK_BITS).words[(entry & PLACE) * WORDS + word];
  }

  /** Marks an entry as gone before its turn: it keeps its place and belongs to no id. */
  erase(entry: number): void {
    const { words } = this.#chunk(entry >>> CHUNK_BITS);
    words.fill(0, (entry & PLACE) * WORDS, (entry & PLACE) * WORDS + CONTENT);
  }

  isErased(entry: number): boolean {
    return this.#word(entry, LOW) === 0;
  }

  /** Bytes held, for the limit that a test asserts. */
  bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + (chunk?.words.byteLength ?? 0), 0);
  }

  write(writer: WordWriter): void {
    writer.word(this.queues.length);
    for (const { window_ms, chunks } of this.queues) {
      writer.float(window_ms).word(chunks.length);
      for (const number of chunks) {
        const { words, base_ms, start, end } = this.#chunk(number);
        writer.float(base_ms).word(start).word(end).all(words.subarray(start * WORDS, end * WORDS));
      }
    }
  }

  /** Takes over what `write` wrote, and tells of every entry that was not erased. */
  read(reader: WordReader, found: (high: number, low: number, entry: number) => void): void {
    for (let queues = reader.word(); queues > 0; queues--) {
      const queue = this.queueOf(reader.float());
      for (let chunks = reader.word(); chunks > 0; chunks--) this.#readChunk(queue, reader, found);
    }
  }

  #readChunk(
    queue: number,
    reader: WordReader,
    found: (high: number, low: number, entry: number) => void,
  ): void {
    const chunk = this.#newChunk(queue);
    chunk.base_ms = reader.float();
    chunk.start = reader.word();
    chunk.end = reader.word();
    chunk.words.set(reader.all((chunk.end - chunk.start) * WORDS), chunk.start * WORDS);
    const first = this.#push(queue, chunk) * CHUNK_ENTRIES;
    for (let place = chunk.start; place < chunk.end; place++) {
      const low = chunk.words[place * WORDS + LOW];
      if (low !== 0) found(chunk.words[place * WORDS + HIGH], low, first + place);
    }
  }
}
