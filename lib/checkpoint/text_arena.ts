/**
 * Many short texts in few large buffers, outside the heap of objects: the collector neither walks nor copies them, and
 * they take what their bytes take.
 *
 *   slabs of size class 5   | length bytes.... | free | length bytes... | free |      one slab, 256 KB or one slot
 *                             ^ a ticket names class and slot; a freed slot is the next to be given away
 *
 * A class keeps the slabs it once needed: what it holds at most decides what it takes.
 */
const SLAB_BYTES = 1 << 18;
const LENGTH_BYTES = 4;
const SMALLEST_SLOT = 64;
/** Each class holds a quarter more than the one before. */
const GROWTH = 1.25;
const CLASSES = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where a text lies; a small integer. Worth nothing once the text was taken away. */
export type Ticket = number;

export class TextArena {
  readonly #classes = slotSizes().map((size) => new SlotClass(size));
  #scratch = new Uint8Array(1 << 12);

  put(text: string): Ticket {
    // At most three bytes a unit of UTF-16.
    if (this.#scratch.length < text.length * 3) this.#scratch = new Uint8Array(text.length * 4);
    const { written } = encoder.encodeInto(text, this.#scratch);
    const number = this.#classes.findIndex(({ size }) => size >= written + LENGTH_BYTES);
    if (number < 0) throw new RangeError(`Cannot keep a text of ${written} bytes`);
    return this.#classes[number].put(this.#scratch.subarray(0, written)) * CLASSES + number;
  }

  text(ticket: Ticket): string {
    return decoder.decode(this.#classes[ticket % CLASSES].bytes(Math.floor(ticket / CLASSES)));
  }

  /** The text; its place is free from now on. */
  take(ticket: Ticket): string {
    const text = this.text(ticket);
    this.free(ticket);
    return text;
  }

  free(ticket: Ticket): void {
    this.#classes[ticket % CLASSES].free.push(Math.floor(ticket / CLASSES));
  }
}

/** Slots of one size. */
class SlotClass {
  readonly free: number[] = [];
  readonly #slabs: { bytes: Uint8Array; view: DataView }[] = [];
  readonly #inSlab: number;
  #used = 0;

  constructor(readonly size: number) {
    this.#inSlab = Math.max(1, Math.floor(SLAB_BYTES / size));
  }

  /** The number of the slot. */
  put(text: Uint8Array): number {
    const slot = this.free.pop() ?? this.#used++;
    const number = Math.floor(slot / this.#inSlab);
    if (number === this.#slabs.length) this.#slabs.push(newSlab(this.#inSlab * this.size));
    const { bytes, view } = this.#slabs[number];
    const at = (slot % this.#inSlab) * this.size;
    view.setUint32(at, text.length);
    bytes.set(text, at + LENGTH_BYTES);
    return slot;
  }

  bytes(slot: number): Uint8Array {
    const { bytes, view } = this.#slabs[Math.floor(slot / this.#inSlab)];
    const at = (slot % this.#inSlab) * this.size;
    return bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + view.getUint32(at));
  }
}

function newSlab(size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}

function slotSizes(): number[] {
  const sizes = [SMALLEST_SLOT];
  // To the multiple of eight above, so that slots begin where words do.
  while (sizes.length < CLASSES) sizes.push(Math.ceil((sizes.at(-1)! * GROWTH) / 8) * 8);
  return sizes;
}
