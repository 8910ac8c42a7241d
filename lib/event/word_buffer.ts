/** 32-bit words and doubles written one after the other and read back: the form of images and changes in state. */

const scratch = new Float64Array(1);
const halves = new Uint32Array(scratch.buffer);

export class WordWriter {
  #words = new Uint32Array(256);
  #length = 0;

  /** How many words were written. */
  get length(): number {
    return this.#length;
  }

  word(word: number): this {
    if (this.#length === this.#words.length) this.#grow(1);
    this.#words[this.#length++] = word;
    return this;
  }

  float(value: number): this {
    scratch[0] = value;
    return this.word(halves[0]).word(halves[1]);
  }

  all(words: Uint32Array): this {
    if (this.#length + words.length > this.#words.length) this.#grow(words.length);
    this.#words.set(words, this.#length);
    this.#length += words.length;
    return this;
  }

  #grow(more: number): void {
    const words = new Uint32Array(Math.max(2 * this.#words.length, this.#length + more));
    words.set(this.#words.subarray(0, this.#length));
    this.#words = words;
  }

  /** What was written, as bytes that share memory with the writer: write no more. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.#length * 4);
  }
}

export class WordReader {
  #words: Uint32Array;
  #at = 0;

  /** Bytes need not be aligned; their number must be a multiple of four. */
  constructor(bytes: Uint8Array) {
    if (bytes.length % 4 !== 0) throw new RangeError(`Cannot read words: ${bytes.length} bytes`);
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    this.#words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  }

  /** How many words there are in all. */
  get length(): number {
    return this.#words.length;
  }

  get done(): boolean {
    return this.#at >= this.#words.length;
  }

  word(): number {
    if (this.done) throw new RangeError("Cannot read a word: the bytes end");
    return this.#words[this.#at++];
  }

  float(): number {
    halves[0] = this.word();
    halves[1] = this.word();
    return scratch[0];
  }

  all(count: number): Uint32Array {
    if (this.#at + count > this.#words.length) {
      throw new RangeError(`Cannot read ${count} words: the bytes end`);
    }
    this.#at += count;
    return this.#words.subarray(this.#at - count, this.#at);
  }
}
