/** What every kind of window does with events and with time. */
import type { Cell } from "../event/column.ts";
import { hash128 } from "./hash.ts";
import { keyCells } from "./key.ts";
import { momentCell } from "./moment.ts";
import type { KeyedState, StreamOutput } from "./operator.ts";
import type { KeyPlan, Subject } from "./subject.ts";
import type { Predicate } from "./where.ts";
import type { WindowDefinition } from "./window_definition.ts";

/** Watermarks before and after a move, and the line behind which state is forgotten; microseconds. */
export interface Move {
  from_us: number;
  to_us: number;
  line_us: number;
}

export interface WindowOperator {
  readonly definition: WindowDefinition;
  readonly where: Predicate;
  /** Takes an event that is not late, of the right kind, that passed `where`. `watermark_us` is null before any row. */
  add(subject: Subject, watermark_us: number | null): void;
  /** Writes what the move closes or revises to `out`, and forgets what nothing can touch any more. */
  advance(move: Move, out: StreamOutput[]): void;
  /** The earliest watermark that would close or revise something; null when none would. */
  nextOutput_us(watermark_us: number): number | null;
  /** Open windows and closed ones that are still held. */
  held(): number;
}

export interface WindowContext {
  state: KeyedState;
  partition: number;
  key: KeyPlan;
  /** Windows that begin at or before it belong to an earlier definition of the name; null when there was none. */
  after_us: number | null;
  /** For the timers of windows that a restored state holds. */
  watermark_us: number | null;
}

export const SECOND_US = 1_000_000;

/** Whether [from, to] crosses a multiple of `step_us`. */
export function passes({ from_us, to_us }: Move, step_us: number): boolean {
  return Math.floor(to_us / step_us) > Math.floor(from_us / step_us);
}

export function nextMultiple(after_us: number, step_us: number): number {
  return (Math.floor(after_us / step_us) + 1) * step_us;
}

/** Where the state of a definition stands; another text, another place. */
export function windowSpace({ name, version }: WindowDefinition): string {
  return `window/${name}/${version.slice(0, 8)}`;
}

/** The table of a window's revisions. */
export function revisionsTable(name: string): string {
  return `analytics.${name}_revisions`;
}

/** Hash of name, key, start and partition: the same window after every replay. */
export function windowId(name: string, key: string, start_us: number, partition: number): string {
  return hash128(`${name}\n${partition}\n${start_us}\n${key}`);
}

export interface RevisionHead {
  window_id: string;
  key: string;
  start_us: number;
  end_us: number;
  revision: number;
  is_final: boolean;
}

/** The columns that every revision begins with. */
export function revisionRow(
  definition: WindowDefinition,
  partition: number,
  head: RevisionHead,
): Record<string, Cell> {
  const row: Record<string, Cell> = { window_id: head.window_id };
  const { key } = definition;
  if (key.length > 0) {
    const cells = keyCells(head.key, key.length);
    for (let i = 0; i < key.length; i++) row[key[i]] = cells[i];
  }
  row.window_start = momentCell(head.start_us);
  row.window_end = momentCell(head.end_us);
  row.log_partition = partition;
  row.revision = head.revision;
  row.is_final = head.is_final;
  return row;
}

export function revisionOutput(definition: WindowDefinition, row: Record<string, Cell>): StreamOutput {
  return {
    table: revisionsTable(definition.name),
    row,
    topic: definition.publish ? "aggregates" : null,
    id: `${row.window_id}-${row.revision}`,
  };
}

/** Keys in an order that does not depend on how the state came to be. */
export function inOrder(keys: Set<string>): string[] {
  return keys.size < 2 ? [...keys] : [...keys].sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
}
