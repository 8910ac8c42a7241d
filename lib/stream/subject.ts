/** An event on its way through the operators, with what several of them ask for computed once. */
import type { Row } from "../event/column.ts";
import { type Scaled, scaledCell } from "./decimal.ts";
import { keyOf } from "./key.ts";
import { microseconds } from "./moment.ts";
import type { StreamEvent } from "./operator.ts";

/** Columns that make a key; one object for equal lists, so that the key is made once an event. */
export interface KeyPlan {
  readonly columns: readonly string[];
  /** Name of the family of spaces that are asked by these keys. */
  readonly family: string;
  /** Place of the key among a subject's. */
  readonly number: number;
}

/** Gives the same plan for the same columns. */
export class KeyPlans {
  #plans = new Map<string, KeyPlan>();

  of(columns: readonly string[]): KeyPlan {
    const family = columns.join(",");
    let plan = this.#plans.get(family);
    if (plan === undefined) this.#plans.set(family, plan = { columns, family, number: this.#plans.size });
    return plan;
  }
}

/** One object serves all events in turn: nobody keeps it beyond the call that it was given to. */
export class Subject {
  event!: StreamEvent;
  row!: Row;
  event_us = 0;
  /** By plan; null where it was not asked for yet. */
  #keys: (string | null)[] = [];
  #fields: string[] = [];
  #values: (Scaled | null)[] = [];
  #known = 0;

  /** Turns to another event. */
  begin(event: StreamEvent): this {
    this.event = event;
    this.row = event.row;
    this.event_us = microseconds(event.event_time_ms, event.event_time_sub_us);
    this.#keys.fill(null);
    this.#known = 0;
    return this;
  }

  key(plan: KeyPlan): string {
    while (this.#keys.length <= plan.number) this.#keys.push(null);
    return this.#keys[plan.number] ??= keyOf(this.row, plan.columns);
  }

  /** The field's value times 10^4; null when it is absent, or no number. */
  scaled(field: string): Scaled | null {
    for (let at = 0; at < this.#known; at++) if (this.#fields[at] === field) return this.#values[at];
    const value = scaledCell(this.row[field]);
    this.#fields[this.#known] = field;
    this.#values[this.#known++] = value;
    return value;
  }
}
