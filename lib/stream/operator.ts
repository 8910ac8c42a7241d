/** What every stream operator is given and gives back: plain state by key in, plain outputs out. */
import type { Row } from "../event/column.ts";

/**
 * Keyed plain state of one partition. Values are JSON (no NaN, no infinity, no undefined) and are replaced, never
 * mutated: `put` is how a change becomes part of the next checkpoint. Spaces are operators ("window/user_minute").
 */
export interface KeyedState {
  get<T>(space: string, key: string): T | undefined;
  put<T>(space: string, key: string, value: T): void;
  delete(space: string, key: string): void;
  /** All of a space, in no promised order; for rebuilding what is derived (timers) after a restore. */
  entries<T>(space: string): Iterable<[string, T]>;
}

/** An event that became a row and is not late, as the stream sees it. */
export interface StreamEvent {
  source: string;
  kind: string;
  partition: number;
  offset: number;
  event_id: string;
  event_time_ms: number;
  received_at: number;
  /** The whole row as it will stand in its table. */
  row: Row;
}

/** A row for a table (`analytics.user_minute_revisions`), and whether it also goes onto an output topic. */
export interface StreamOutput {
  table: string;
  row: Row;
  topic: "alerts" | "aggregates" | null;
  /** Deterministic id of the result: equal after every replay. */
  id: string;
}
