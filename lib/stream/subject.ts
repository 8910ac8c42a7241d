/** An event on its way through the operators, with what several of them ask for computed once. */
import { type Scaled, scaledOf } from "./decimal.ts";
import { keyOf } from "./key.ts";
import { microseconds } from "./moment.ts";
import type { StreamEvent } from "./operator.ts";
import type { Row } from "../event/column.ts";

/** Columns that make a key; one object for equal lists, so that the key is made once an event. */
export interface KeyPlan {
  readonly columns: readonly string[];
  /** Name of the family of spaces that are asked by these keys. */
  readonly family: string;
}

/** Gives the same plan for the same columns. */
export class KeyPlans {
  #plans = new Map<string, KeyPlan>();

  of(columns: readonly string[]): KeyPlan {
    const name = columns.join(",");
    let plan = this.#plans.get(name);
    if (plan === undefined) this.#plans.set(name, plan = { columns, family: name });
    return plan;
  }
}

export class Subject {
  readonly event_us: number;
  #plans: KeyPlan[] = [];
  #keys: string[] = [];
  #fields: string[] = [];
  #values: (Scaled | null)[] = [];

  readonly row: Row;

  constructor(readonly event: StreamEvent) {
    this.row = event.row;
    this.event_us = microseconds(event.event_time_ms, event.event_time_sub_us);
  }

  key(plan: KeyPlan): string {
    const known = this.#plans.indexOf(plan);
    if (known >= 0) return this.#keys[known];
    const key = keyOf(this.row, plan.columns);
    this.#plans.push(plan);
    this.#keys.push(key);
    return key;
  }

  /** The field's value times 10^4; null when it is absent. */
  scaled(field: string): Scaled | null {
    const known = this.#fields.indexOf(field);
    if (known >= 0) return this.#values[known];
    const cell = this.row[field];
    const value = typeof cell === "string" || typeof cell === "number" ? scaledOf(cell) : null;
    this.#fields.push(field);
    this.#values.push(value);
    return value;
  }
}
