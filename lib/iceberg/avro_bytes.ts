/** Avro's binary primitives: zigzag varints, length-prefixed bytes, little-endian floats. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Grows as it is written to. */
export class AvroWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  /** A copy of what was written so far. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#end);
  }

  #room(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#end + count));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  boolean(value: boolean): void {
    this.#room(1);
    this.#bytes[this.#end++] = value ? 1 : 0;
  }

  /** Any safe integer; Avro's int and long have one form. */
  long(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`Cannot write Avro long: ${value} is not safe`);
    this.#room(10);
    if (value >= -0x40000000 && value < 0x40000000) {
      let rest = (value << 1) ^ (value >> 31);
      while (rest & ~0x7f) {
        this.#bytes[this.#end++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      this.#bytes[this.#end++] = rest;
      return;
    }
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    while (rest > 0x7fn) {
      this.#bytes[this.#end++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#end++] = Number(rest);
  }

  float(value: number): void {
    this.#room(4);
    this.#view.setFloat32(this.#end, value, true);
    this.#end += 4;
  }

  double(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#end, value, true);
    this.#end += 8;
  }

  bytes(value: Uint8Array): void {
    this.long(value.length);
    this.raw(value);
  }

  string(value: string): void {
    this.bytes(encoder.encode(value));
  }
}

/** Reads in the order of writing; a read beyond the end is a RangeError. */
export class AvroReader {
  #at = 0;
  readonly #view: DataView;

  constructor(readonly source: Uint8Array) {
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.source.length;
  }

  raw(count: number): Uint8Array {
    if (count < 0 || this.#at + count > this.source.length) {
      throw new RangeError("Cannot read Avro: cut short");
    }
    this.#at += count;
    return this.source.subarray(this.#at - count, this.#at);
  }

  boolean(): boolean {
    return this.raw(1)[0] !== 0;
  }

  long(): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#view.getUint8(this.#at++);
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let whole = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#view.getUint8(this.#at++);
      whole |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return safe((whole >> 1n) ^ -(whole & 1n));
    }
    throw new RangeError("Cannot read Avro long: over ten bytes");
  }

  float(): number {
    this.raw(4);
    return this.#view.getFloat32(this.#at - 4, true);
  }

  double(): number {
    this.raw(8);
    return this.#view.getFloat64(this.#at - 8, true);
  }

  bytes(): Uint8Array {
    return this.raw(this.long());
  }

  string(): string {
    return decoder.decode(this.bytes());
  }
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`Cannot read Avro long: ${value} is beyond 2^53`);
  return number;
}
