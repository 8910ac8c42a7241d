/**
 * Unpacks what producers pack: gzip and zstd by the platform, LZ4 and Snappy here, so that no program that writes to the
 * topic has to be told how. Throws for bytes that are not what they say, or that unpack to too much.
 *
 *   zstd:        frames, one after the other: magic | flags, sizes | blocks: last?, kind, length ... | checksum
 *   LZ4 frame:   magic | flags | blocks: length, [literals, copy back]... | end     copies may reach into earlier blocks
 *   Snappy:      plain: length | [literals or copy back]...      Java's: 16 bytes of head | chunks: length, plain
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** Kafka's numbers of the codecs. */
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

/** A batch that unpacks to more than this is refused. */
export const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

const LIMITS = { maxOutputLength: MAX_UNPACKED_BYTES };

export function unpack(codec: number, bytes: Uint8Array): Uint8Array {
  const name = CODECS[codec];
  switch (name) {
    case "none":
      return bytes;
    case "gzip":
      return gunzipSync(bytes, LIMITS);
    case "zstd":
      return unpackZstd(bytes);
    case "lz4":
      return unpackLz4(bytes);
    case "snappy":
      return unpackSnappy(bytes);
    case undefined:
      throw new RangeError(`codec ${codec} is not known`);
  }
}

/** Bytes that grow, and that later ones are copied from. */
class Output {
  #bytes = new Uint8Array(64 * 1024);
  length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Repeats `length` bytes that begin `distance` before the end, which may reach into what is being written. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.length) throw new RangeError("a copy begins before the first byte");
    this.#room(length);
    for (const end = this.length + length; this.length < end; this.length++) {
      this.#bytes[this.length] = this.#bytes[this.length - distance];
    }
  }

  #room(more: number): void {
    const needed = this.length + more;
    if (needed > MAX_UNPACKED_BYTES) {
      throw new RangeError(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    }
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, needed));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}

/** Bytes that are read little endian, and end. */
class Input {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  number(width: number): number {
    return this.take(width).reduceRight((sum, byte) => sum * 256 + byte, 0);
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new RangeError("it ends early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

const ZSTD_MAGIC = 0xfd2fb528;
/** Frames that hold something for somebody else; the last four bits are free. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const ZSTD_RESERVED_BLOCK = 3;
const ZSTD_RUN_BLOCK = 1;

/** The platform unpacks the first frame, says nothing of others, and answers a cut one with nothing. */
function unpackZstd(bytes: Uint8Array): Uint8Array {
  const input = new Input(bytes);
  const output = new Output();
  while (input.left > 0) {
    const begin = input.at;
    const magic = input.number(4);
    if (magic - (magic % 16) === SKIPPABLE_MAGIC) {
      input.take(input.number(4));
      continue;
    }
    if (magic !== ZSTD_MAGIC) throw new RangeError("it does not begin as a zstd frame");
    passZstdFrame(input);
    const unpacked = zstdDecompressSync(bytes.subarray(begin, input.at), LIMITS);
    // One frame is what nearly everybody writes.
    if (begin === 0 && input.left === 0) return unpacked;
    output.append(unpacked);
  }
  return output.bytes;
}

/** From behind the magic to behind the frame. */
function passZstdFrame(input: Input): void {
  const flags = input.number(1);
  const is_single = (flags & 32) !== 0;
  const dictionary_bytes = [0, 1, 2, 4][flags & 3];
  const content_bytes = [is_single ? 1 : 0, 2, 4, 8][flags >> 6];
  input.take((is_single ? 0 : 1) + dictionary_bytes + content_bytes);
  for (let isLast = false; !isLast;) {
    const head = input.number(3);
    const kind = (head >> 1) & 3;
    if (kind === ZSTD_RESERVED_BLOCK) throw new RangeError("a block of it is of no known kind");
    input.take(kind === ZSTD_RUN_BLOCK ? 1 : head >> 3);
    isLast = (head & 1) !== 0;
  }
  if (flags & 4) input.take(4);
}

const LZ4_MAGIC = 0x184d2204;
const LZ4_RAW_BLOCK = 0x80000000;

function unpackLz4(bytes: Uint8Array): Uint8Array {
  const input = new Input(bytes);
  if (input.number(4) !== LZ4_MAGIC) throw new RangeError("it does not begin as an LZ4 frame");
  const flags = input.number(1);
  if (flags >> 6 !== 1) throw new RangeError("its version of LZ4 is not known");
  if (flags & 1) throw new RangeError("it needs a dictionary");
  // Block size, content size where the flags say so, and the checksum of the head, which our own checksum covers.
  input.take(1 + (flags & 8 ? 8 : 0) + 1);
  const output = new Output();
  for (let size = input.number(4); size !== 0; size = input.number(4)) {
    const block = input.take(size % LZ4_RAW_BLOCK);
    if (size >= LZ4_RAW_BLOCK) output.append(block);
    else unpackLz4Block(new Input(block), output);
    if (flags & 16) input.take(4);
  }
  return output.bytes;
}

function unpackLz4Block(input: Input, output: Output): void {
  while (input.left > 0) {
    const token = input.number(1);
    output.append(input.take(lz4Length(input, token >> 4)));
    // The last sequence has no copy.
    if (input.left === 0) return;
    const distance = input.number(2);
    output.repeat(distance, lz4Length(input, token & 15) + 4);
  }
}

function lz4Length(input: Input, nibble: number): number {
  let length = nibble;
  if (nibble < 15) return length;
  for (let byte = 255; byte === 255; length += byte) byte = input.number(1);
  return length;
}

/** 0x82 "SNAPPY" 0x00, as Java's stream begins. */
const SNAPPY_STREAM = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];

function unpackSnappy(bytes: Uint8Array): Uint8Array {
  const input = new Input(bytes);
  const output = new Output();
  if (!SNAPPY_STREAM.every((byte, i) => bytes[i] === byte)) {
    unpackSnappyBlock(input, output);
    return output.bytes;
  }
  input.take(16);
  while (input.left > 0) {
    const size = input.take(4).reduce((sum, byte) => sum * 256 + byte, 0);
    unpackSnappyBlock(new Input(input.take(size)), output);
  }
  return output.bytes;
}

function unpackSnappyBlock(input: Input, output: Output): void {
  const end = output.length + snappyLength(input);
  while (input.left > 0) {
    const tag = input.number(1);
    const high = tag >> 2;
    switch (tag & 3) {
      case 0:
        output.append(input.take((high < 60 ? high : input.number(high - 59)) + 1));
        break;
      case 1:
        output.repeat((high >> 3) * 256 + input.number(1), (high & 7) + 4);
        break;
      case 2:
        output.repeat(input.number(2), high + 1);
        break;
      case 3:
        output.repeat(input.number(4), high + 1);
        break;
    }
  }
  if (output.length !== end) throw new RangeError("its length is not what it says");
}

function snappyLength(input: Input): number {
  let length = 0;
  for (let factor = 1;; factor *= 128) {
    const byte = input.number(1);
    length += (byte & 127) * factor;
    if (byte < 128) return length;
  }
}
