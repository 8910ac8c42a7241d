/**
 * Spaces that are asked by the same keys (everything that is known of a user), kept together.
 *
 *   key ─► cabinet [ drawer 0 | drawer 1 | drawer 2 ]        one drawer a space; undefined where it holds nothing
 *
 * An event asks several spaces by one key: the first finds the cabinet, the others find it under the hand. A touched
 * cabinet is remembered once, as a copy of its drawers, and only drawers that hold something else are written. A cabinet
 * that was not touched between two takes is packed until somebody asks for it: most keys are cold most of the time.
 */
import type { StateSpace } from "../stream/operator.ts";
import {
  type Cabinet,
  NOTHING_PACKED,
  packed,
  packedDrawer,
  unpacked,
  withoutDrawer,
} from "./packed_cabinet.ts";
import { TextArena, type Ticket } from "./text_arena.ts";
import { changedValue, type ValueChange, valueChange } from "./state_change.ts";
import { LINE_ENTRIES } from "./state_lines.ts";

/** `null` for a key that had no cabinet. */
type Before = Map<string, Cabinet | null>;

/** A key, and for each drawer that holds something else its number and change; no drawers: nothing is left. */
type KeyChange = [key: string, ...[drawer: number, ...ValueChange][]];

/**
 * Lines begin with `{family, drawers}`, the names by number: then one drawer's number (everything in it went), or
 * `[changes]`; in images key and `[number, value, ...]` in turn.
 */
export interface FamilyHead {
  family: string;
  drawers: readonly (string | null)[];
}

export class Family {
  #names: (string | null)[] = [];
  #drawers = new Map<string, Drawer<unknown>>();
  /** Those that are packed lie in the arena. */
  #cabinets = new Map<string, Cabinet | Ticket>();
  readonly #arena = new TextArena();
  /** Keys of cabinets that are not packed. */
  #warm = new Set<string>();
  #touched: Before = new Map();
  #cleared: string[] = [];
  #frozen: Before | null = null;
  // Under the hand: the cabinet found last, and the one touched last.
  #foundKey: string | null = null;
  #found: Cabinet | undefined;
  #touchedKey: string | null = null;
  #touchedCabinet: Cabinet = [];

  constructor(readonly name: string) {}

  drawer<T>(name: string): Drawer<T> {
    let drawer = this.#drawers.get(name);
    if (drawer === undefined) {
      const free = this.#names.indexOf(null);
      const number = free >= 0 ? free : this.#names.length;
      this.#names[number] = name;
      this.#drawers.set(name, drawer = new Drawer(this, number));
    }
    // A drawer belongs to one operator, which says what it keeps there.
    return drawer as Drawer<T>;
  }

  /** Empties a drawer and lets another name have its place. */
  release(name: string): void {
    const drawer = this.#drawers.get(name);
    if (drawer === undefined) return;
    this.clearDrawer(drawer.number);
    this.#drawers.delete(name);
    this.#names[drawer.number] = null;
  }

  find(key: string): Cabinet | undefined {
    if (key !== this.#foundKey) {
      this.#foundKey = key;
      this.#found = this.#warmed(key);
    }
    return this.#found;
  }

  #warmed(key: string): Cabinet | undefined {
    const kept = this.#cabinets.get(key);
    return typeof kept === "number"
      ? this.#keep(key, unpacked(this.#arena.take(kept), this.#names.length))
      : kept;
  }

  #keep(key: string, cabinet: Cabinet): Cabinet {
    this.#cabinets.set(key, cabinet);
    this.#warm.add(key);
    return cabinet;
  }

  #discard(key: string): void {
    this.#cabinets.delete(key);
    this.#warm.delete(key);
  }

  put(number: number, key: string, value: unknown): void {
    const cabinet = key === this.#touchedKey ? this.#touchedCabinet : this.#touch(key);
    while (cabinet.length <= number) cabinet.push(undefined);
    cabinet[number] = value;
  }

  #touch(key: string): Cabinet {
    const found = this.find(key);
    this.#remember(key, found);
    const cabinet = found ?? new Array(this.#names.length).fill(undefined);
    if (found === undefined) this.#found = this.#keep(key, cabinet);
    this.#touchedKey = key;
    this.#touchedCabinet = cabinet;
    return cabinet;
  }

  #remember(key: string, cabinet: Cabinet | undefined): void {
    this.#showAsWas(key, cabinet);
    if (!this.#touched.has(key)) this.#touched.set(key, cabinet?.slice() ?? null);
  }

  delete(number: number, key: string): void {
    const cabinet = this.find(key);
    if (cabinet === undefined || cabinet[number] === undefined) return;
    this.#remember(key, cabinet);
    cabinet[number] = undefined;
    if (isEmpty(cabinet)) this.#discard(key);
    this.#forgetHand();
  }

  #forgetHand(): void {
    this.#foundKey = null;
    this.#touchedKey = null;
  }

  clearDrawer(number: number): void {
    for (const [key, kept] of this.#cabinets) {
      if (typeof kept === "number") this.#clearPacked(key, kept, number);
      else if (kept[number] !== undefined) {
        this.#showAsWas(key, kept);
        kept[number] = undefined;
        if (isEmpty(kept)) this.#discard(key);
      }
    }
    for (const before of this.#touched.values()) if (before !== null) before[number] = undefined;
    this.#cleared.push(this.#names[number]!);
    this.#forgetHand();
  }

  #clearPacked(key: string, ticket: Ticket, number: number): void {
    const text = this.#arena.text(ticket);
    const left = withoutDrawer(text, number);
    if (left === text) return;
    if (this.#frozen !== null) this.#showAsWas(key, unpacked(text, 0));
    this.#arena.free(ticket);
    if (left === NOTHING_PACKED) this.#discard(key);
    else this.#cabinets.set(key, this.#arena.put(left));
  }

  /** Remembers what an image in the making has to show. */
  #showAsWas(key: string, cabinet: Cabinet | undefined): void {
    if (this.#frozen !== null && !this.#frozen.has(key)) this.#frozen.set(key, cabinet?.slice() ?? null);
  }

  *entries<T>(number: number): Generator<[string, T], void, void> {
    for (const [key, kept] of this.#cabinets) {
      const value = typeof kept === "number" ? packedDrawer(this.#arena.text(kept), number) : kept[number];
      if (value !== undefined) yield [key, value as T];
    }
  }

  /** Names of the drawers that hold something. */
  *names(): Generator<string, void, void> {
    for (const [name, { number }] of this.#drawers) {
      for (const _ of this.entries(number)) {
        yield name;
        break;
      }
    }
  }

  get size(): number {
    return this.#cabinets.size;
  }

  get isUntouched(): boolean {
    return this.#touched.size === 0 && this.#cleared.length === 0;
  }

  get #head(): FamilyHead {
    return { family: this.name, drawers: [...this.#names] };
  }

  *takeLines(): Generator<unknown[], void, void> {
    this.#packCold();
    if (this.isUntouched) return;
    for (const name of this.#cleared) yield [{ family: this.name, drawers: [name] }, 0];
    const touched = this.#touched;
    this.#touched = new Map();
    this.#cleared = [];
    this.#forgetHand();
    let changes: KeyChange[] = [];
    for (const [key, before] of touched) {
      const change = keyChange(key, before, this.#warmed(key));
      if (change !== null) changes.push(change);
      if (changes.length < LINE_ENTRIES) continue;
      yield [this.#head, changes];
      changes = [];
    }
    if (changes.length > 0) yield [this.#head, changes];
  }

  /** Packs what was not touched since the last take. */
  #packCold(): void {
    this.#forgetHand();
    for (const key of this.#warm) {
      if (this.#touched.has(key)) continue;
      this.#cabinets.set(key, this.#arena.put(packed(this.#cabinets.get(key) as Cabinet)));
      this.#warm.delete(key);
    }
  }

  applyLine(drawers: readonly (string | null)[], changes: number | readonly KeyChange[]): void {
    if (typeof changes === "number") {
      this.release(drawers[changes]!);
      this.#cleared = [];
      return;
    }
    for (const [key, ...list] of changes) {
      if (list.length === 0) {
        this.#discard(key);
        continue;
      }
      const cabinet = this.#loaded(key);
      for (const [number, ...change] of list) {
        const place = this.drawer(drawers[number]!).number;
        while (cabinet.length <= place) cabinet.push(undefined);
        cabinet[place] = changedValue(cabinet[place], change);
      }
    }
  }

  /** Puts what a line of an image holds of one key. */
  load(drawers: readonly (string | null)[], key: string, pairs: readonly unknown[]): void {
    const cabinet = this.#loaded(key);
    for (let at = 0; at < pairs.length; at += 2) {
      const place = this.drawer(drawers[pairs[at] as number]!).number;
      while (cabinet.length <= place) cabinet.push(undefined);
      cabinet[place] = pairs[at + 1];
    }
    this.#cabinets.set(key, this.#arena.put(packed(cabinet)));
    this.#warm.delete(key);
  }

  #loaded(key: string): Cabinet {
    return this.#warmed(key) ?? this.#keep(key, []);
  }

  /** From now on, until `thaw`, what changes is remembered; the lines show everything as it is now. */
  freeze(): Iterable<unknown[]> {
    this.#forgetHand();
    const before: Before = this.#frozen = new Map();
    return frozenLines(this.#head, this.#cabinets, { before, arena: this.#arena });
  }

  thaw(): void {
    this.#frozen = null;
  }
}

/** One space of a family. */
export class Drawer<T> implements StateSpace<T> {
  constructor(private readonly family: Family, readonly number: number) {}

  get(key: string): T | undefined {
    return this.family.find(key)?.[this.number] as T | undefined;
  }

  put(key: string, value: T): void {
    this.family.put(this.number, key, value);
  }

  delete(key: string): void {
    this.family.delete(this.number, key);
  }

  clear(): void {
    this.family.clearDrawer(this.number);
  }

  entries(): Iterable<[string, T]> {
    return this.family.entries<T>(this.number);
  }
}

function keyChange(key: string, before: Cabinet | null, now: Cabinet | undefined): KeyChange | null {
  if (now === undefined) return before === null ? null : [key];
  const change: KeyChange = [key];
  const drawers = Math.max(now.length, before?.length ?? 0);
  for (let number = 0; number < drawers; number++) {
    const [was, is] = [before?.[number], now[number]];
    if (was !== is) change.push([number, ...valueChange(was, is)]);
  }
  return change.length === 1 ? null : change;
}

function isEmpty(cabinet: Cabinet): boolean {
  return cabinet.every((value) => value === undefined);
}

function* frozenLines(
  head: FamilyHead,
  cabinets: Map<string, Cabinet | Ticket>,
  { before, arena }: { before: Before; arena: TextArena },
): Iterable<unknown[]> {
  let line: unknown[] = [head];
  for (const [key, now] of cabinets) {
    const kept = before.has(key) ? before.get(key)! : now;
    if (kept === null) continue;
    line.push(key, filled(typeof kept === "number" ? unpacked(arena.text(kept), 0) : kept));
    if (line.length <= 2 * LINE_ENTRIES) continue;
    yield line;
    line = [head];
  }
  for (const [key, cabinet] of before) {
    if (cabinet !== null && !cabinets.has(key)) line.push(key, filled(cabinet));
  }
  if (line.length > 1) yield line;
}

/** Numbers and values of the drawers that hold something. */
function filled(cabinet: Cabinet): unknown[] {
  const pairs: unknown[] = [];
  for (let number = 0; number < cabinet.length; number++) {
    if (cabinet[number] !== undefined) pairs.push(number, cabinet[number]);
  }
  return pairs;
}
