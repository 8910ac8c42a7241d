/**
 * The keyed state of one partition in memory, which knows what changed since it was last asked.
 *
 *   image ── changes ── changes ── changes            image: everything; changes: what was put or deleted since
 *     fromImage   applyChanges ...   = the same state, every double bit for bit
 *
 * Both are lines of JSON. The first line names the format; each further line holds entries of one space, and no line
 * grows beyond about LINE_ENTRIES entries, so that nobody ever needs a string of the whole. Values become text only
 * when they are taken. Where an array replaces an array, only elements that are not the very same are written
 * (`diffArrays`); this leans on the contract that values are never mutated.
 */
import type { KeyedState } from "../stream/operator.ts";
import { type Diff, diffArrays, patchArray } from "./array_diff.ts";

export const STATE_FORMAT = 1;

/** Entries a line at most: bounds the text that is built at once. */
const LINE_ENTRIES = 512;
/** Bytes after which an image hands out a chunk. */
const CHUNK_BYTES = 1 << 20;
/** Shorter arrays are written whole: naming what stayed would cost as much. */
const DIFF_FROM_LENGTH = 3;

const ABSENT: unique symbol = Symbol("absent");
const HEADER = JSON.stringify({ millrace_state: STATE_FORMAT });

interface Space {
  entries: Map<string, unknown>;
  /** For each key touched since the last take: its value then, or ABSENT. */
  touched: Map<string, unknown>;
  /** Everything went since the last take. */
  cleared: boolean;
  /** While an image is being made: values as they were when it began. */
  frozen: Map<string, unknown> | null;
}

/** An entry in a line of changes: put, deletion, or an array as a difference from the array before it. */
type Change = [key: string, value: unknown] | [key: string] | [key: string, ...Diff];

export class PartitionState implements KeyedState {
  #spaces = new Map<string, Space>();

  get<T>(space: string, key: string): T | undefined {
    // The one place where a stored value gets its type back: spaces belong to one operator each.
    return this.#spaces.get(space)?.entries.get(key) as T | undefined;
  }

  put<T>(space: string, key: string, value: T): void {
    const held = this.#space(space);
    remember(held, key);
    held.entries.set(key, value);
  }

  delete(space: string, key: string): void {
    const held = this.#spaces.get(space);
    if (held === undefined || !held.entries.has(key)) return;
    remember(held, key);
    held.entries.delete(key);
  }

  clear(space: string): void {
    const held = this.#spaces.get(space);
    if (held === undefined) return;
    // An image in the making keeps the old map and goes on reading it.
    this.#spaces.set(space, { ...emptySpace(), cleared: true });
  }

  entries<T>(space: string): Iterable<[string, T]> {
    return (this.#spaces.get(space)?.entries ?? new Map<string, unknown>()) as Map<string, T>;
  }

  *spaces(): Iterable<string> {
    for (const [name, held] of this.#spaces) if (held.entries.size > 0) yield name;
  }

  /** Keys in all spaces together. */
  get size(): number {
    let size = 0;
    for (const held of this.#spaces.values()) size += held.entries.size;
    return size;
  }

  /** Whether `takeChanges` would give more than an empty change. */
  get changed(): boolean {
    for (const held of this.#spaces.values()) if (held.cleared || held.touched.size > 0) return true;
    return false;
  }

  /** Everything put or deleted since the last take (or restore), at a cost that follows just that. */
  takeChanges(): Uint8Array {
    const writer = new LineWriter();
    for (const [name, held] of this.#spaces) {
      if (held.cleared) writer.line([name]);
      let changes: Change[] = [];
      for (const [key, before] of held.touched) {
        changes.push(changeOf(key, before, held));
        if (changes.length === LINE_ENTRIES) {
          writer.line([name, changes]);
          changes = [];
        }
      }
      if (changes.length > 0) writer.line([name, changes]);
      held.touched = new Map();
      held.cleared = false;
      if (held.entries.size === 0) this.#spaces.delete(name);
    }
    return writer.bytes();
  }

  /** Brings this state to where the taker's was. Only for a state without changes of its own. */
  applyChanges(bytes: Uint8Array): void {
    if (this.changed) throw new RangeError("Cannot apply changes: the state has changes of its own");
    for (const line of linesOf([bytes])) {
      const [name, changes] = line as [string, Change[]?];
      if (changes === undefined) {
        this.#spaces.delete(name);
        continue;
      }
      const { entries } = this.#space(name);
      for (const change of changes) applyChange(entries, change);
      if (entries.size === 0) this.#spaces.delete(name);
    }
  }

  /**
   * Everything, as it is at the first `next()`, in chunks of about a megabyte. The state may go on changing between
   * chunks: a value that is replaced before its turn is remembered. One image at a time.
   */
  *imageChunks(): Generator<Uint8Array, void, void> {
    const frozen: [string, Map<string, unknown>, Map<string, unknown>, Space][] = [];
    for (const [name, held] of this.#spaces) {
      held.frozen = new Map();
      frozen.push([name, held.entries, held.frozen, held]);
    }
    const writer = new LineWriter();
    try {
      for (const [name, entries, before, held] of frozen) {
        for (const line of imageLines(entries, before)) {
          writer.line([name, ...line]);
          if (writer.size >= CHUNK_BYTES) yield writer.bytes();
        }
        held.frozen = null;
      }
      yield writer.bytes();
    } finally {
      for (const [, , , held] of frozen) held.frozen = null;
    }
  }

  /** `imageChunks` in one piece; for small states and tests. */
  image(): Uint8Array {
    return concatenate([...this.imageChunks()]);
  }

  /** A state equal to the one that made the image. Keys that several spaces share are held once. */
  static fromImage(image: Uint8Array | Iterable<Uint8Array>): PartitionState {
    const state = new PartitionState();
    const shared = new Map<string, string>();
    for (const line of linesOf(image instanceof Uint8Array ? [image] : image)) {
      const [name, ...pairs] = line as [string, ...unknown[]];
      const { entries } = state.#space(name);
      for (let at = 0; at < pairs.length; at += 2) {
        const key = pairs[at] as string;
        let one = shared.get(key);
        if (one === undefined) shared.set(key, one = key);
        entries.set(one, pairs[at + 1]);
      }
    }
    return state;
  }

  #space(name: string): Space {
    let held = this.#spaces.get(name);
    if (held === undefined) this.#spaces.set(name, held = emptySpace());
    return held;
  }
}

function emptySpace(): Space {
  return { entries: new Map(), touched: new Map(), cleared: false, frozen: null };
}

/** Notes what a key held before its first change, for the next take and for an image in the making. */
function remember(held: Space, key: string): void {
  const { touched, frozen } = held;
  if (frozen !== null && !frozen.has(key)) frozen.set(key, valueOf(held, key));
  if (!touched.has(key)) touched.set(key, valueOf(held, key));
}

function valueOf(held: Space, key: string): unknown {
  const value = held.entries.get(key);
  return value === undefined ? ABSENT : value;
}

function changeOf(key: string, before: unknown, held: Space): Change {
  const now = held.entries.get(key);
  if (now === undefined) return [key];
  if (Array.isArray(now) && Array.isArray(before) && before.length >= DIFF_FROM_LENGTH) {
    return [key, ...diffArrays(before, now)];
  }
  return [key, now];
}

function applyChange(entries: Map<string, unknown>, change: Change): void {
  const [key] = change;
  if (change.length === 1) entries.delete(key);
  else if (change.length === 2) entries.set(key, change[1]);
  else entries.set(key, patchArray(entries.get(key) as readonly unknown[], [change[1], change[2]]));
}

/** Alternating keys and values, LINE_ENTRIES of them a line, as they were when `frozen` began to fill. */
function* imageLines(
  entries: Map<string, unknown>,
  frozen: Map<string, unknown>,
): Generator<unknown[], void, void> {
  let line: unknown[] = [];
  for (const [key, now] of entries) {
    const before = frozen.get(key);
    if (before === ABSENT) continue;
    line.push(key, before ?? now);
    if (line.length === 2 * LINE_ENTRIES) {
      yield line;
      line = [];
    }
  }
  // What was deleted before its turn is no longer met above. (Deleted after its turn: written twice, the same.)
  for (const [key, before] of frozen) {
    if (before !== ABSENT && !entries.has(key)) line.push(key, before);
  }
  if (line.length > 0) yield line;
}

const encoder = new TextEncoder();

/** Collects lines as bytes; the header comes first, once. */
class LineWriter {
  #parts: Uint8Array[] = [encoder.encode(HEADER + "\n")];
  size = 0;

  line(value: unknown): void {
    const part = encoder.encode(JSON.stringify(value) + "\n");
    this.#parts.push(part);
    this.size += part.length;
  }

  /** The bytes since the last call. */
  bytes(): Uint8Array {
    const bytes = concatenate(this.#parts);
    this.#parts = [];
    this.size = 0;
    return bytes;
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The parsed lines after the header, wherever the chunks were cut. */
function* linesOf(chunks: Iterable<Uint8Array>): Generator<unknown, void, void> {
  const decoder = new TextDecoder();
  let rest: Uint8Array = new Uint8Array(0);
  let headed = false;
  for (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : concatenate([rest, chunk]);
    let from = 0;
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
      const text = decoder.decode(bytes.subarray(from, to));
      from = to + 1;
      if (headed) yield JSON.parse(text);
      else headed = checkHeader(text);
    }
    rest = bytes.subarray(from);
  }
  if (!headed || rest.length > 0) throw new RangeError("Cannot read state: it is cut short");
}

function checkHeader(text: string): true {
  if (text !== HEADER) throw new RangeError(`Cannot read state: its format is not ${STATE_FORMAT}`);
  return true;
}
