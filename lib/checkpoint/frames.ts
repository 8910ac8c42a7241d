/**
 * Lines of text become zstd frames while they come: what waits is a megabyte of bytes, and no text outlives its step.
 *
 * The runtime's compression runs in the calling thread whichever way it is asked, so it is asked directly: frames that
 * were queued for "later" would all be kept as text until the thread is idle, which under load it is not.
 */
import { constants, zstdCompressSync } from "node:zlib";
import { concatenate } from "./state_lines.ts";

/** Text is turned into bytes in steps of this size. */
const STEP_CHARACTERS = 1 << 15;
const FRAME_BYTES = 1 << 20;
/** Of one UTF-16 unit at most. */
const UNIT_BYTES = 3;
const COMPRESSION = { chunkSize: 1 << 17, params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const encoder = new TextEncoder();

export class FrameWriter {
  #text = "";
  #bytes = new Uint8Array(0);
  #length = 0;
  #frames: Uint8Array[] = [];
  #text_bytes = 0;
  #longest_line = 0;

  /** Of all text that was turned into bytes so far. */
  get text_bytes(): number {
    return this.#text_bytes;
  }

  /** No line is longer. */
  get longest_line_bytes(): number {
    return UNIT_BYTES * this.#longest_line;
  }

  line(text: string): void {
    if (text.length > this.#longest_line) this.#longest_line = text.length;
    this.#text += text + "\n";
    if (this.#text.length >= STEP_CHARACTERS) this.#encode();
  }

  /** The frames one after the other; the writer is empty again. */
  finish(): Uint8Array {
    if (this.#text !== "") this.#encode();
    if (this.#length > 0) this.#close();
    const frames = this.#frames;
    this.#frames = [];
    return concatenate(frames);
  }

  #encode(): void {
    this.#room(UNIT_BYTES * this.#text.length);
    const { written } = encoder.encodeInto(this.#text, this.#bytes.subarray(this.#length));
    this.#length += written;
    this.#text_bytes += written;
    this.#text = "";
    if (this.#length >= FRAME_BYTES) this.#close();
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, Math.min(2 * this.#bytes.length, 2 * FRAME_BYTES)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  #close(): void {
    this.#frames.push(compressed(this.#bytes.subarray(0, this.#length)));
    this.#length = 0;
    // Of a row of many megabytes; the next ones seldom are.
    if (this.#bytes.length > 2 * FRAME_BYTES) this.#bytes = new Uint8Array(0);
  }
}

/** `bytes` as one zstd frame. */
export function compressed(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, COMPRESSION);
}
