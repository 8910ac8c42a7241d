/** The columns of a partition's kinds as far as it has read: what `schema` records changed, and the rows that come of it. */
import { z } from "zod";
import type { PartitionState } from "../checkpoint/state.ts";
import { type ColumnChange, goesOnFrom, SchemaBody } from "../event/column_change.ts";
import { type RowShape, rowShape } from "../event/evolved_row.ts";
import type { Kinds } from "../event/kinds.ts";

/** By kind, the changes of its columns that are in force. */
const SPACE = "partition/schemas";

interface Evolved {
  changes: readonly ColumnChange[];
  shape: RowShape;
}

export class EvolvedKinds {
  readonly #byKind = new Map<string, Evolved>();
  readonly #untold = new Set<string>();

  /** What `state` holds already is in force. */
  constructor(private readonly kinds: Kinds, private readonly state: PartitionState) {
    for (const [kind, changes] of this.#inForce().entries()) this.#shape(kind, changes);
  }

  /** Undefined for a kind that is as it is configured. */
  of(kind: string): Evolved | undefined {
    return this.#byKind.get(kind);
  }

  /** Takes a `schema` record over, or says why not. A list that is in force already, or an older one, changes nothing. */
  take(body: unknown): string | null {
    const parsed = SchemaBody.safeParse(body);
    if (!parsed.success) return z.prettifyError(parsed.error);
    const { kind, changes } = parsed.data;
    const inForce = this.#inForce().get(kind) ?? [];
    if (goesOnFrom(changes, inForce)) return null;
    if (!goesOnFrom(inForce, changes)) return `it does not go on from what is in force for ${kind}`;
    this.#inForce().put(kind, changes);
    this.#shape(kind, changes);
    return null;
  }

  /** What came into force since this was last called. */
  takeUntold(): SchemaBody[] {
    const kinds = [...this.#untold];
    this.#untold.clear();
    return kinds.map((kind) => ({ kind, changes: [...this.#byKind.get(kind)!.changes] }));
  }

  #shape(kind: string, changes: readonly ColumnChange[]): void {
    const known = this.kinds.get(kind);
    // A kind that nobody configures any more makes no rows.
    if (!known) return;
    this.#byKind.set(kind, { changes, shape: rowShape(known, changes) });
    this.#untold.add(kind);
  }

  #inForce() {
    return this.state.space<readonly ColumnChange[]>(SPACE);
  }
}
