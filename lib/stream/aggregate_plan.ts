/** The aggregates of a window as accumulators with places in a record; equal ones are kept once (avg is sum / count). */
import type { Cell } from "../event/column.ts";
import {
  type Accumulator,
  average,
  Count,
  decimalCell,
  Distinct,
  Extreme,
  isSpilled,
  type Slot,
  type Slots,
  type Spill,
  Sum,
  Top,
} from "./aggregate.ts";
import type { Subject } from "./subject.ts";
import { predicate, type Where } from "./where.ts";
import { type Aggregate, aggregateParts } from "./window_definition.ts";

/** Records of the panes that make up one window; none for a session that was merged away. */
type CellOf = (records: readonly Slots[], spill: Spill) => Cell;

export class AggregatePlan {
  readonly #accumulators: Accumulator[] = [];
  readonly #known = new Map<string, Accumulator>();
  readonly #cells: [column: string, cell: CellOf][] = [];
  #initial: Slots | null = null;
  #width: number;

  /** `head`: slots of a record that belong to the window kind. `parts`: avg also gives its sum and count. */
  constructor(aggregates: Readonly<Record<string, Aggregate>>, options: { head: number; parts: boolean }) {
    this.#width = options.head;
    for (const [name, aggregate] of Object.entries(aggregates)) {
      this.#cells.push([name, this.#cellOf(aggregate)]);
      if (options.parts && "avg" in aggregate) {
        const { sum, count } = this.#sumAndCount(aggregate.avg, aggregate.where);
        this.#cells.push([`${name}_sum`, (records) => decimalCell(sum.total(records), 38)]);
        this.#cells.push([`${name}_count`, (records) => count.total(records)]);
      }
    }
  }

  /** The slots after the head, before anything was counted. */
  get initial(): Slots {
    return this.#initial ??= this.#accumulators.flatMap(({ initial }) => initial);
  }

  /** Counts the subject into a copy of a record. */
  add(record: Slot[], subject: Subject, spill: Spill): void {
    for (const accumulator of this.#accumulators) accumulator.add(record, subject, spill);
  }

  absorb(record: Slot[], other: Slots, spill: Spill): void {
    for (const accumulator of this.#accumulators) accumulator.absorb(record, other, spill);
  }

  /** Deletes what a record that goes away has spilled. */
  release(record: Slots, spill: Spill): void {
    for (const accumulator of this.#accumulators) {
      if (isSpilled(accumulator, record)) spill.state.release(spill.space(record, slotOf(accumulator)));
    }
  }

  /** Writes the columns of the aggregates into `row`. */
  fill(row: Record<string, Cell>, records: readonly Slots[], spill: Spill): void {
    for (const [column, cell] of this.#cells) row[column] = cell(records, spill);
  }

  #cellOf(aggregate: Aggregate): CellOf {
    const { function: name, field } = aggregateParts(aggregate);
    switch (name) {
      case "count": {
        const count = this.#count(field, aggregate.where);
        return (records) => count.total(records);
      }
      case "sum": {
        const sum = this.#one(["sum", field, aggregate.where], (at, where) => new Sum(at, field!, where), 2);
        return (records) => decimalCell(sum.total(records), 38);
      }
      case "avg": {
        const { sum, count } = this.#sumAndCount(field!, aggregate.where);
        return (records) => average(sum.total(records), count.total(records));
      }
      case "min":
      case "max": {
        const sign = name === "min" ? 1 : -1;
        const extreme = this.#one(
          [name, field, aggregate.where],
          (at, where) => new Extreme(at, field!, where, sign),
          2,
        );
        return (records) => decimalCell(extreme.value(records), 18);
      }
      case "distinct": {
        const set = this.#one(
          [name, field, aggregate.where],
          (at, where) => new Distinct(at, field!, where),
          1,
        );
        return (records, spill) => set.count(records, spill);
      }
      case "top": {
        const top = this.#one([name, field, aggregate.where], (at, where) => new Top(at, field!, where), 1);
        return (records, spill) => top.list(records, spill);
      }
    }
  }

  #count(field: string | null, where: Where | undefined): Count {
    return this.#one(["count", field, where], (at, test) => new Count(at, field, test), 1);
  }

  #sumAndCount(field: string, where: Where | undefined): { sum: Sum; count: Count } {
    const sum = this.#one(["sum", field, where], (at, test) => new Sum(at, field, test), 2);
    return { sum, count: this.#count(field, where) };
  }

  #one<A extends Accumulator>(
    identity: readonly [string, string | null, Where | undefined],
    make: (at: number, where: ReturnType<typeof predicate>) => A,
    width: number,
  ): A {
    const name = JSON.stringify(identity);
    const known = this.#known.get(name);
    // Equal identities name the same function, hence the same class.
    if (known !== undefined) return known as A;
    const made = make(this.#width, predicate(identity[2]));
    this.#width += width;
    this.#known.set(name, made);
    this.#accumulators.push(made);
    return made;
  }
}

function slotOf(accumulator: Accumulator): number {
  return (accumulator as Distinct | Top).at;
}
