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
import type { KeyedState, StateSpace } from "../stream/operator.ts";
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

/** An entry in a line of changes: put, deletion, or an array as a difference from the array before it. */
type Change = [key: string, value: unknown] | [key: string] | [key: string, ...Diff];

/** One space; T is what its operator keeps there, and nobody else writes to it. */
class Space<T> implements StateSpace<T> {
  current = new Map<string, T>();
  /** For each key touched since the last take: its value then, or ABSENT. */
  touched = new Map<string, T | typeof ABSENT>();
  /** Everything went since the last take. */
  cleared = false;
  /** Nobody holds on to it: gone once it is empty and that was taken. */
  leaving = false;
  /** While an image is being made: values as they were when it began. */
  frozen: Map<string, T | typeof ABSENT> | null = null;

  get(key: string): T | undefined {
    return this.current.get(key);
  }

  put(key: string, value: T): void {
    this.#remember(key);
    this.current.set(key, value);
  }

  delete(key: string): void {
    if (!this.current.has(key)) return;
    this.#remember(key);
    this.current.delete(key);
  }

  clear(): void {
    if (this.current.size === 0 && this.touched.size === 0) return;
    // An image in the making keeps the old maps and goes on reading them.
    this.current = new Map();
    this.touched = new Map();
    this.frozen = null;
    this.cleared = true;
  }

  entries(): Iterable<[string, T]> {
    return this.current;
  }

  get isUntouched(): boolean {
    return !this.cleared && this.touched.size === 0;
  }

  /** Notes what a key held before its first change, for the next take and for an image in the making. */
  #remember(key: string): void {
    if (this.frozen !== null && !this.frozen.has(key)) this.frozen.set(key, this.#valueOf(key));
    if (!this.touched.has(key)) this.touched.set(key, this.#valueOf(key));
  }

  #valueOf(key: string): T | typeof ABSENT {
    const value = this.current.get(key);
    return value === undefined ? ABSENT : value;
  }
}

export class PartitionState implements KeyedState {
  #spaces = new Map<string, Space<unknown>>();

  space<T>(name: string): StateSpace<T> {
    // The one place where stored values get their type: a space belongs to one operator.
    const space = this.#space(name) as Space<T>;
    space.leaving = false;
    return space;
  }

  release(name: string): void {
    const space = this.#space(name);
    space.clear();
    space.leaving = true;
  }

  *spaces(): Iterable<string> {
    for (const [name, { current }] of this.#spaces) if (current.size > 0) yield name;
  }

  /** Keys in all spaces together. */
  get size(): number {
    let size = 0;
    for (const { current } of this.#spaces.values()) size += current.size;
    return size;
  }

  /** Whether `takeChanges` would give more than an empty change. */
  get changed(): boolean {
    for (const space of this.#spaces.values()) if (!space.isUntouched) return true;
    return false;
  }

  /** Everything put or deleted since the last take (or restore), at a cost that follows just that. */
  takeChanges(): Uint8Array {
    const writer = new LineWriter();
    for (const [name, space] of this.#spaces) {
      if (space.cleared) writer.line([name]);
      let changes: Change[] = [];
      for (const [key, before] of space.touched) {
        changes.push(changeOf(key, before, space.current.get(key)));
        if (changes.length === LINE_ENTRIES) {
          writer.line([name, changes]);
          changes = [];
        }
      }
      if (changes.length > 0) writer.line([name, changes]);
      if (!space.isUntouched) space.touched = new Map();
      space.cleared = false;
      if (space.leaving && space.current.size === 0) this.#spaces.delete(name);
    }
    return writer.bytes();
  }

  /** Brings this state to where the taker's was. Only for a state without changes of its own. */
  applyChanges(bytes: Uint8Array): void {
    if (this.changed) throw new RangeError("Cannot apply changes: the state has changes of its own");
    for (const line of linesOf([bytes])) {
      const [name, changes] = line as [string, Change[]?];
      const { current } = this.#space(name);
      if (changes === undefined) current.clear();
      else for (const change of changes) applyChange(current, change);
    }
  }

  /**
   * Everything, as it is at the first `next()`, in chunks of about a megabyte. The state may go on changing between
   * chunks: a value that is replaced before its turn is remembered. One image at a time.
   */
  *imageChunks(): Generator<Uint8Array, void, void> {
    const frozen = [...this.#spaces].map(([name, space]) => {
      const before = space.frozen = new Map<string, unknown>();
      return { name, space, current: space.current, before };
    });
    const writer = new LineWriter();
    try {
      for (const { name, space, current, before } of frozen) {
        for (const line of imageLines(current, before)) {
          writer.line([name, ...line]);
          if (writer.size >= CHUNK_BYTES) yield writer.bytes();
        }
        space.frozen = null;
      }
      yield writer.bytes();
    } finally {
      for (const { space } of frozen) space.frozen = null;
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
      const { current } = state.#space(name);
      for (let at = 0; at < pairs.length; at += 2) {
        const key = pairs[at] as string;
        let one = shared.get(key);
        if (one === undefined) shared.set(key, one = key);
        current.set(one, pairs[at + 1]);
      }
    }
    return state;
  }

  #space(name: string): Space<unknown> {
    let space = this.#spaces.get(name);
    if (space === undefined) this.#spaces.set(name, space = new Space());
    return space;
  }
}

function changeOf(key: string, before: unknown, now: unknown): Change {
  if (now === undefined) return [key];
  if (Array.isArray(now) && Array.isArray(before) && before.length >= DIFF_FROM_LENGTH) {
    return [key, ...diffArrays(before, now)];
  }
  return [key, now];
}

function applyChange(current: Map<string, unknown>, change: Change): void {
  const [key] = change;
  if (change.length === 1) current.delete(key);
  else if (change.length === 2) current.set(key, change[1]);
  else current.set(key, patchArray(current.get(key) as readonly unknown[], [change[1], change[2]]));
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
