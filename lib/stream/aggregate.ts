/**
 * What a window counts, as slots of a flat record: each accumulator owns a few neighbouring slots.
 *
 *   record  [ ...head of the window kind, count, sum high, sum low, min high, ..., distinct, top ]
 *
 * A record is replaced, never mutated: `add` is given a copy. Sets that grow beyond a handful of values leave the
 * record for a space of their own ("spill"), so that one value more costs one entry and not the set.
 */
import type { Cell } from "../event/column.ts";
import { add, BASE, fits, fromSafe, type Scaled, toNumber, toText } from "./decimal.ts";
import { keyPart, partCell } from "./key.ts";
import type { KeyedState } from "./operator.ts";
import type { Subject } from "./subject.ts";
import { compareUtf8 } from "./utf8_order.ts";
import { EVERYTHING, type Predicate } from "./where.ts";

/** null nothing yet; a text or list: values held inline; a number: a count, half a sum, or how many values spilled. */
export type Slot = number | string | null | readonly (string | number)[];
export type Slots = readonly Slot[];

/** Where a record's spilled values are. */
export interface Spill {
  state: KeyedState;
  /** The name of the space of one slot of one record. */
  space(record: Slots, slot: number): string;
}

export interface Accumulator {
  readonly initial: Slots;
  /** Counts the subject into `record`, a copy of ours to change. */
  add(record: Slot[], subject: Subject, spill: Spill): void;
  /** Adds to `record` all that `other` holds, which is about to go. */
  absorb(record: Slot[], other: Slots, spill: Spill): void;
}

/** Values a set or a tally holds before they spill. */
const INLINE_VALUES = 8;
/** Most entries of a `top` list in the table. */
export const TOP_ENTRIES = 1000;

/** Counts rows, or rows that have the field. */
export class Count implements Accumulator {
  readonly initial = [0];
  constructor(readonly at: number, readonly field: string | null, readonly where: Predicate) {}

  add(record: Slot[], subject: Subject): void {
    if (this.where !== EVERYTHING && !this.where(subject.row)) return;
    if (this.field !== null && (subject.row[this.field] ?? null) === null) return;
    record[this.at] = (record[this.at] as number) + 1;
  }

  absorb(record: Slot[], other: Slots): void {
    record[this.at] = (record[this.at] as number) + (other[this.at] as number);
  }

  total(records: readonly Slots[]): number {
    let total = 0;
    for (const record of records) total += record[this.at] as number;
    return total;
  }
}

export class Sum implements Accumulator {
  readonly initial = [0, 0];
  constructor(readonly at: number, readonly field: string, readonly where: Predicate) {}

  add(record: Slot[], subject: Subject): void {
    if (this.where !== EVERYTHING && !this.where(subject.row)) return;
    const value = subject.scaled(this.field);
    if (value !== null) this.#plus(record, value);
  }

  absorb(record: Slot[], other: Slots): void {
    this.#plus(record, scaledAt(other, this.at)!);
  }

  total(records: readonly Slots[]): Scaled {
    let total = fromSafe(0);
    for (const record of records) total = add(total, scaledAt(record, this.at)!);
    return total;
  }

  #plus(record: Slot[], { high, low }: Scaled): void {
    const sum = (record[this.at + 1] as number) + low;
    const carry = sum >= BASE ? 1 : 0;
    record[this.at] = (record[this.at] as number) + high + carry;
    record[this.at + 1] = sum - carry * BASE;
  }
}

/** The smallest (`sign` 1) or largest (-1) value. */
export class Extreme implements Accumulator {
  readonly initial = [null, null];
  constructor(
    readonly at: number,
    readonly field: string,
    readonly where: Predicate,
    readonly sign: 1 | -1,
  ) {}

  add(record: Slot[], subject: Subject): void {
    if (this.where !== EVERYTHING && !this.where(subject.row)) return;
    this.#meet(record, subject.scaled(this.field));
  }

  absorb(record: Slot[], other: Slots): void {
    this.#meet(record, scaledAt(other, this.at));
  }

  value(records: readonly Slots[]): Scaled | null {
    const found: Slot[] = [];
    found[this.at] = null;
    for (const record of records) this.#meet(found, scaledAt(record, this.at));
    return scaledAt(found, this.at);
  }

  #meet(record: Slot[], value: Scaled | null): void {
    if (value === null) return;
    const high = record[this.at];
    const order = high === null
      ? -1
      : value.high - (high as number) || value.low - (record[this.at + 1] as number);
    if (high !== null && order * this.sign >= 0) return;
    record[this.at] = value.high;
    record[this.at + 1] = value.low;
  }
}

function scaledAt(record: Slots, at: number): Scaled | null {
  const high = record[at];
  return high === null ? null : { high: high as number, low: record[at + 1] as number };
}

/** Counts different values of a field; the slot is null, one text, a list of texts, or the size of the spilled set. */
export class Distinct implements Accumulator {
  readonly initial = [null];
  constructor(readonly at: number, readonly field: string, readonly where: Predicate) {}

  add(record: Slot[], subject: Subject, spill: Spill): void {
    const cell = subject.row[this.field] ?? null;
    if (cell === null || (this.where !== EVERYTHING && !this.where(subject.row))) return;
    this.#include(record, keyPart(cell), spill);
  }

  absorb(record: Slot[], other: Slots, spill: Spill): void {
    for (const value of this.values(other, spill)) this.#include(record, value, spill);
  }

  count(records: readonly Slots[], spill: Spill): number {
    if (records.length === 1) return this.#size(records[0]);
    const all = new Set<string>();
    for (const record of records) for (const value of this.values(record, spill)) all.add(value);
    return all.size;
  }

  values(record: Slots, spill: Spill): Iterable<string> {
    const held = record[this.at];
    if (held === null) return [];
    if (typeof held === "string") return [held];
    if (typeof held !== "number") return held as readonly string[];
    return names(spill.state.space(spill.space(record, this.at)).entries());
  }

  #size(record: Slots): number {
    const held = record[this.at];
    if (held === null) return 0;
    if (typeof held === "string") return 1;
    return typeof held === "number" ? held : held.length;
  }

  #include(record: Slot[], value: string, spill: Spill): void {
    const held = record[this.at];
    if (held === null) record[this.at] = value;
    else if (typeof held === "string") {
      if (held !== value) record[this.at] = [held, value];
    } else if (typeof held === "number") {
      const space = spill.state.space<number>(spill.space(record, this.at));
      if (space.get(value) !== undefined) return;
      space.put(value, 1);
      record[this.at] = held + 1;
    } else if (!held.includes(value)) {
      if (held.length < INLINE_VALUES) record[this.at] = [...held, value];
      else this.#spillOver(record, [...held as readonly string[], value], spill);
    }
  }

  #spillOver(record: Slot[], values: readonly string[], spill: Spill): void {
    const space = spill.state.space<number>(spill.space(record, this.at));
    for (const value of values) space.put(value, 1);
    record[this.at] = values.length;
  }
}

function* names(entries: Iterable<[string, unknown]>): Iterable<string> {
  for (const [name] of entries) yield name;
}

/** How often each value of a field came; the slot is null, [value, count, ...], or how many values spilled. */
export class Top implements Accumulator {
  readonly initial = [null];
  constructor(readonly at: number, readonly field: string, readonly where: Predicate) {}

  add(record: Slot[], subject: Subject, spill: Spill): void {
    const cell = subject.row[this.field] ?? null;
    if (cell === null || (this.where !== EVERYTHING && !this.where(subject.row))) return;
    this.#include(record, keyPart(cell), 1, spill);
  }

  absorb(record: Slot[], other: Slots, spill: Spill): void {
    for (const [value, count] of this.tally(other, spill)) this.#include(record, value, count, spill);
  }

  /** Most frequent first, ties by the value's UTF-8 bytes. */
  list(records: readonly Slots[], spill: Spill): Cell {
    const counts = new Map<string, number>();
    for (const record of records) {
      for (const [value, count] of this.tally(record, spill)) {
        counts.set(value, (counts.get(value) ?? 0) + count);
      }
    }
    return [...counts]
      .map(([part, count]) => ({ value: String(partCell(part)), count }))
      .sort((a, b) => b.count - a.count || compareUtf8(a.value, b.value))
      .slice(0, TOP_ENTRIES);
  }

  *tally(record: Slots, spill: Spill): Iterable<[string, number]> {
    const held = record[this.at];
    if (typeof held === "number") yield* spill.state.space<number>(spill.space(record, this.at)).entries();
    else if (held !== null) {
      for (let i = 0; i < held.length; i += 2) yield [held[i] as string, held[i + 1] as number];
    }
  }

  #include(record: Slot[], value: string, count: number, spill: Spill): void {
    const held = record[this.at];
    if (typeof held === "number") {
      const space = spill.state.space<number>(spill.space(record, this.at));
      const before = space.get(value);
      space.put(value, (before ?? 0) + count);
      if (before === undefined) record[this.at] = held + 1;
      return;
    }
    const list = [...(held ?? []) as readonly (string | number)[]];
    // Values stand at even places; counts are numbers, so a text is never found among them.
    const found = list.indexOf(value);
    if (found >= 0) list[found + 1] = (list[found + 1] as number) + count;
    else list.push(value, count);
    if (list.length <= 2 * INLINE_VALUES) record[this.at] = list;
    else this.#spillOver(record, list, spill);
  }

  #spillOver(record: Slot[], list: readonly (string | number)[], spill: Spill): void {
    const space = spill.state.space<number>(spill.space(record, this.at));
    for (let i = 0; i < list.length; i += 2) space.put(list[i] as string, list[i + 1] as number);
    record[this.at] = list.length / 2;
  }
}

/** Whether a slot's values stand in a space of their own. */
export function isSpilled(accumulator: Accumulator, record: Slots): boolean {
  return (accumulator instanceof Distinct || accumulator instanceof Top) &&
    typeof record[accumulator.at] === "number";
}

/** Null also for what the column of `digits` digits has no room for: a field of doubles knows larger numbers. */
export function decimalCell(value: Scaled | null, digits: 18 | 38): string | null {
  return value === null || !fits(value, digits) ? null : toText(value);
}

export function average(sum: Scaled, count: number): number | null {
  return count === 0 ? null : toNumber(sum) / count;
}
