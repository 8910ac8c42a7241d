/** A space of its own: values by key, and what each key held when it was first touched. */
import type { StateSpace } from "../stream/operator.ts";
import { changedValue, type ValueChange, valueChange } from "./state_change.ts";
import { LINE_ENTRIES } from "./state_lines.ts";

/** `undefined` for a key that was absent. */
type Before<T> = Map<string, T | undefined>;

/** Lines: `[name]` everything went; `[name, [[key, ...change], ...]]`; in images `[name, key, value, key, value, ...]`. */
export class Space<T> implements StateSpace<T> {
  #current = new Map<string, T>();
  /** For each key touched since the last take: its value then. */
  #touched: Before<T> = new Map();
  /** Everything went since the last take. */
  #cleared = false;
  /** While an image is being made: values as they were when it began. */
  #frozen: Before<T> | null = null;
  /** Nobody holds on to it: to be dropped once it is empty and that was taken. */
  leaving = false;

  constructor(private readonly name: string) {}

  get(key: string): T | undefined {
    return this.#current.get(key);
  }

  put(key: string, value: T): void {
    this.#remember(key);
    this.#current.set(key, value);
  }

  delete(key: string): void {
    if (!this.#current.has(key)) return;
    this.#remember(key);
    this.#current.delete(key);
  }

  clear(): void {
    if (this.#current.size === 0 && this.#touched.size === 0) return;
    // An image in the making keeps the old maps and goes on reading them.
    this.#current = new Map();
    this.#touched = new Map();
    this.#frozen = null;
    this.#cleared = true;
  }

  entries(): Iterable<[string, T]> {
    return this.#current;
  }

  get size(): number {
    return this.#current.size;
  }

  get isUntouched(): boolean {
    return !this.#cleared && this.#touched.size === 0;
  }

  #remember(key: string): void {
    if (this.#frozen !== null && !this.#frozen.has(key)) this.#frozen.set(key, this.#current.get(key));
    if (!this.#touched.has(key)) this.#touched.set(key, this.#current.get(key));
  }

  *takeLines(): Generator<unknown[], void, void> {
    if (this.isUntouched) return;
    if (this.#cleared) yield [this.name];
    const touched = this.#touched;
    this.#touched = new Map();
    this.#cleared = false;
    let changes: [string, ...ValueChange][] = [];
    for (const [key, before] of touched) {
      changes.push([key, ...valueChange(before, this.#current.get(key))]);
      if (changes.length < LINE_ENTRIES) continue;
      yield [this.name, changes];
      changes = [];
    }
    if (changes.length > 0) yield [this.name, changes];
  }

  applyLine(changes: readonly [string, ...ValueChange][] | undefined): void {
    if (changes === undefined) return this.#current.clear();
    for (const [key, ...change] of changes) {
      const value = changedValue(this.#current.get(key), change);
      if (value === undefined) this.#current.delete(key);
      else this.#current.set(key, value as T);
    }
  }

  /** Puts what a line of an image holds. */
  load(key: string, value: unknown): void {
    this.#current.set(key, value as T);
  }

  /** From now on, until `thaw`, what changes is remembered; the lines show everything as it is now. */
  freeze(): Iterable<unknown[]> {
    const before: Before<T> = this.#frozen = new Map();
    return frozenLines(this.name, this.#current, before);
  }

  thaw(): void {
    this.#frozen = null;
  }
}

function* frozenLines<T>(name: string, current: Map<string, T>, frozen: Before<T>): Iterable<unknown[]> {
  let line: unknown[] = [name];
  for (const [key, now] of current) {
    const value = frozen.has(key) ? frozen.get(key) : now;
    if (value === undefined) continue;
    line.push(key, value);
    if (line.length <= 2 * LINE_ENTRIES) continue;
    yield line;
    line = [name];
  }
  // What was deleted before its turn is no longer met above. (Deleted after its turn: written twice, the same.)
  for (const [key, value] of frozen) {
    if (value !== undefined && !current.has(key)) line.push(key, value);
  }
  if (line.length > 1) yield line;
}
