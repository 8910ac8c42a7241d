/** What every stream operator is given and gives back: plain state by key in, plain outputs out. */
import type { Cell, Row } from "../event/column.ts";

/**
 * Keyed plain state of one partition. Values are JSON (no NaN, infinity, -0 or undefined) and are replaced, never
 * mutated: `put` is how a change becomes part of the next checkpoint, and what stays the same object is not written
 * again (an array of sixty windows of which one changed costs one window). Spaces are operators ("window/user_minute").
 */
export interface KeyedState {
  /**
   * A space of this name; the same object every time, until the name is released. Spaces of one `family` are asked by
   * the same keys, one after the other, and share what finding a key costs.
   */
  space<T>(name: string, family?: string): StateSpace<T>;
  /** Clears a space that will not be asked for again, so that its name costs nothing either. */
  release(name: string): void;
  /** Names of the spaces that hold something, in no promised order. */
  spaces(): Iterable<string>;
}

/** What one operator keeps, by key. */
export interface StateSpace<T> {
  get(key: string): T | undefined;
  put(key: string, value: T): void;
  delete(key: string): void;
  /** Deletes everything, at the cost of one entry. */
  clear(): void;
  /** Everything, in no promised order; for rebuilding what is derived (timers) after a restore. */
  entries(): Iterable<[string, T]>;
}

/** A place in the log, and its log time. */
export interface Place {
  source: string;
  partition: number;
  offset: number;
  /** Log time, milliseconds since 1970. */
  received_at: number;
}

/** An event that became a row, as the stream sees it. */
export interface StreamEvent extends Place {
  kind: string;
  event_id: string;
  event_time_ms: number;
  /** Microseconds below the millisecond, 0 to 999. */
  event_time_sub_us: number;
  /** The whole row as it will stand in its table. Handed over: the stream fills in `late` and the statistics. */
  row: { [column: string]: Cell };
}

/** A row for a table (`analytics.user_minute_revisions`), and whether it also goes onto an output topic. */
export interface StreamOutput {
  table: string;
  row: Row;
  topic: "alerts" | "aggregates" | null;
  /** Deterministic id of the result: equal after every replay. */
  id: string;
}
