/**
 * The keyed state of one partition in memory, which knows what changed since it was last asked.
 *
 *   image ── changes ── changes ── changes            image: everything; changes: what was put or deleted since
 *     fromImage   applyChanges ...   = the same state, every double bit for bit
 *
 * Values become text only when they are taken. Where an array replaces an array, only elements that are not the very
 * same are written; this leans on the contract that values are never mutated.
 */
import type { KeyedState, StateSpace } from "../stream/operator.ts";
import type { ValueChange } from "./state_change.ts";
import { Family, type FamilyHead } from "./state_family.ts";
import { concatenate, linesOf, LineWriter } from "./state_lines.ts";
import { Space } from "./state_space.ts";

export { STATE_FORMAT } from "./state_lines.ts";

/** Bytes after which an image hands out a chunk: as many as may be made between two batches of records. */
const CHUNK_BYTES = 1 << 22;

export class PartitionState implements KeyedState {
  #spaces = new Map<string, Space<unknown>>();
  #families = new Map<string, Family>();
  /** Which family a space is a drawer of. */
  #familyOf = new Map<string, Family>();

  space<T>(name: string, family?: string): StateSpace<T> {
    const known = this.#familyOf.get(name);
    if (known !== undefined) return known.drawer<T>(name);
    if (family !== undefined) {
      const kept = this.#family(family);
      this.#familyOf.set(name, kept);
      return kept.drawer<T>(name);
    }
    const space = this.#space(name);
    space.leaving = false;
    // A space belongs to one operator, which says what it keeps there.
    return space as Space<T>;
  }

  release(name: string): void {
    const family = this.#familyOf.get(name);
    if (family !== undefined) {
      this.#familyOf.delete(name);
      return family.release(name);
    }
    const space = this.#space(name);
    space.clear();
    space.leaving = true;
  }

  *spaces(): Iterable<string> {
    for (const [name, { size }] of this.#spaces) if (size > 0) yield name;
    for (const family of this.#families.values()) yield* family.names();
  }

  /** Keys of all spaces; of a family once. */
  get size(): number {
    let size = 0;
    for (const part of this.#parts()) size += part.size;
    return size;
  }

  /** Whether `takeChanges` would give more than an empty change. */
  get changed(): boolean {
    for (const part of this.#parts()) if (!part.isUntouched) return true;
    return false;
  }

  *#parts(): Iterable<Space<unknown> | Family> {
    yield* this.#spaces.values();
    yield* this.#families.values();
  }

  /** Everything put or deleted since the last take (or restore), at a cost that follows just that. */
  takeChanges(): Uint8Array {
    const writer = new LineWriter();
    for (const part of this.#parts()) for (const line of part.takeLines()) writer.line(line);
    for (const [name, { leaving, size }] of this.#spaces) {
      if (leaving && size === 0) this.#spaces.delete(name);
    }
    return writer.bytes();
  }

  /** Brings this state to where the taker's was. Only for a state without changes of its own. */
  applyChanges(bytes: Uint8Array): void {
    if (this.changed) throw new RangeError("Cannot apply changes: the state has changes of its own");
    for (const [head, changes] of linesOf([bytes]) as Iterable<[string | FamilyHead, never]>) {
      if (typeof head === "string") this.#space(head).applyLine(changes as [string, ...ValueChange][]);
      else this.#known(head).applyLine(head.drawers, changes);
    }
  }

  /**
   * Everything as it is now, in chunks of a few megabytes. The state may go on changing between chunks: a value that is
   * replaced before its turn is remembered. One image at a time; a later one ends what is left of an earlier.
   */
  imageChunks(chunk_bytes = CHUNK_BYTES): Generator<Uint8Array, void, void> {
    return chunksOf([...this.#parts()].map((part) => ({ part, lines: part.freeze() })), chunk_bytes);
  }

  /** `imageChunks` in one piece; for small states and tests. */
  image(): Uint8Array {
    return concatenate([...this.imageChunks()]);
  }

  /** A state equal to the one that made the image. Keys that several spaces share are held once. */
  static fromImage(image: Uint8Array | Iterable<Uint8Array>): PartitionState {
    const state = new PartitionState();
    const shared = new Map<string, string>();
    const chunks = image instanceof Uint8Array ? [image] : image;
    for (const [head, ...pairs] of linesOf(chunks) as Iterable<[string | FamilyHead, ...unknown[]]>) {
      const part = typeof head === "string" ? state.#space(head) : state.#known(head);
      for (let at = 0; at < pairs.length; at += 2) {
        const key = pairs[at] as string;
        let one = shared.get(key);
        if (one === undefined) shared.set(key, one = key);
        if (part instanceof Space) part.load(one, pairs[at + 1]);
        else part.load((head as FamilyHead).drawers, one, pairs[at + 1] as unknown[]);
      }
    }
    return state;
  }

  #space(name: string): Space<unknown> {
    let space = this.#spaces.get(name);
    if (space === undefined) this.#spaces.set(name, space = new Space(name));
    return space;
  }

  #family(name: string): Family {
    let family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, family = new Family(name));
    return family;
  }

  /** The family of a line, with its names known to belong to it. */
  #known(head: FamilyHead): Family {
    const family = this.#family(head.family);
    for (const name of head.drawers) if (name !== null) this.#familyOf.set(name, family);
    return family;
  }
}

interface Frozen {
  part: { thaw(): void };
  lines: Iterable<unknown[]>;
}

function* chunksOf(frozen: readonly Frozen[], chunk_bytes: number): Generator<Uint8Array, void, void> {
  const writer = new LineWriter();
  for (const { part, lines } of frozen) {
    for (const line of lines) {
      writer.line(line);
      if (writer.size >= chunk_bytes) yield writer.bytes();
    }
    part.thaw();
  }
  yield writer.bytes();
}
