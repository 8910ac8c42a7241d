/** The primitive types of Kafka's wire protocol: a growing writer and a bounded reader (big endian, zigzag varints). */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class WireWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #at = 0;

  constructor(expected_bytes = 256) {
    this.#bytes = new Uint8Array(expected_bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#at;
  }

  /** What was written so far, as a view. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  int8(value: number): this {
    this.#room(1);
    this.#view.setInt8(this.#at++, value);
    return this;
  }

  int16(value: number): this {
    this.#room(2);
    this.#view.setInt16(this.#at, value);
    this.#at += 2;
    return this;
  }

  int32(value: number): this {
    this.#room(4);
    this.#view.setInt32(this.#at, value);
    this.#at += 4;
    return this;
  }

  /** Overwrites what stands at `at`. */
  int32At(at: number, value: number): this {
    this.#view.setInt32(at, value);
    return this;
  }

  int64(value: number | bigint): this {
    this.#room(8);
    this.#view.setBigInt64(this.#at, BigInt(value));
    this.#at += 8;
    return this;
  }

  /** A whole number of up to 53 bits, zigzag. */
  varint(value: number): this {
    return this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  uvarint(value: number): this {
    this.#room(10);
    while (value > 127) {
      this.#bytes[this.#at++] = value % 128 + 128;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.#at++] = value;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** Length int16, null as -1. */
  string(text: string | null): this {
    if (text === null) return this.int16(-1);
    const bytes = encoder.encode(text);
    return this.int16(bytes.length).raw(bytes);
  }

  /** Length as a varint; null as -1. */
  varintBytes(bytes: Uint8Array | null): this {
    return bytes === null ? this.varint(-1) : this.varint(bytes.length).raw(bytes);
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Throws a RangeError when it is asked for more than there is. */
export class WireReader {
  readonly #view: DataView;
  at = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  int8(): number {
    return this.#view.getInt8(this.#skip(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#skip(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#skip(4));
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  int64(): number {
    return Number(this.#view.getBigInt64(this.#skip(8)));
  }

  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  uvarint(): number {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = this.bytes[this.#skip(1)];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.bytes.subarray(at, at + length);
  }

  string(): string {
    return decoder.decode(this.raw(Math.max(this.int16(), 0)));
  }

  varintBytes(): Uint8Array | null {
    const length = this.varint();
    return length < 0 ? null : this.raw(length);
  }

  /** A string of the flexible versions: its length + 1 as an unsigned varint, 0 for null. */
  compactString(): string {
    return decoder.decode(this.raw(Math.max(this.uvarint() - 1, 0)));
  }

  array<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(this.int32(), 0) }, item);
  }

  compactArray<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(this.uvarint() - 1, 0) }, item);
  }

  /** Tagged fields of the flexible versions, none of which we know. */
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.raw(this.uvarint());
    }
  }

  #skip(length: number): number {
    if (length > this.left) throw new RangeError(`The message ends ${length - this.left} bytes early`);
    this.at += length;
    return this.at - length;
  }
}
