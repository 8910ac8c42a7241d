/** What the generator gives out: a record as its sender would send it, and what is known of it besides. */

export type Body = Record<string, unknown>;

/**
 * A label, written before any rule has seen the event. `rule` is the rule that ought to fire in this burst; without one the
 * label says what was done to the event: `duplicate`, `late`, `out_of_order`, `bot`, or the reason of a dead letter.
 */
export interface Label {
  /** Null for bytes that hold none. */
  event_id: string | null;
  pattern: string;
  rule: string | null;
  burst_id: string | null;
}

export interface Generated {
  kind: string;
  value: Uint8Array;
  /** Null for bytes that hold none. */
  event_id: string | null;
  event_time_ms: number;
  labels: readonly Label[];
}

/** Deterministic ids: a word of the run and a counter. */
export class Ids {
  #next = 0;

  constructor(private readonly run: string) {}

  next(prefix: string): string {
    return `${prefix}_${this.run}_${(this.#next++).toString(36).padStart(6, "0")}`;
  }
}

const encoder = new TextEncoder();

export function encoded(body: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(body));
}

/** RFC 3339 in UTC. */
export function timeText(time_ms: number): string {
  return new Date(time_ms).toISOString();
}
