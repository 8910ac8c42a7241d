/** What every kind of window does with events and with time. */
import type { Cell } from "../event/column.ts";
import { HashPrefix } from "./hash.ts";
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
  /** Columns of the table of revisions, in order. */
  columns: readonly string[];
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

export interface Revision {
  key: string;
  /** What the id is made of besides the key: the start, of a session that of the event which opened it. */
  opened_us: number;
  start_us: number;
  end_us: number;
  revision: number;
  is_final: boolean;
}

type WritableRow = Record<string, Cell>;

/** Makes the rows of one definition's table. */
export class RevisionRows {
  readonly #ids: HashPrefix;
  readonly #blank: WritableRow;

  /** `columns` of the table, in order. */
  constructor(
    private readonly definition: WindowDefinition,
    private readonly partition: number,
    columns: readonly string[],
  ) {
    this.#ids = new HashPrefix(`${definition.name}\n${partition}\n`);
    // Parsed rather than built: the engine keeps a parsed object's many columns side by side, and copies it fast.
    this.#blank = JSON.parse(
      `{${columns.map((name) => `${JSON.stringify(name)}:null`).join()}}`,
    ) as WritableRow;
  }

  /** Hash of name, key, opening and partition: the same window after every replay. */
  id(key: string, opened_us: number): string {
    return this.#ids.of(key, opened_us);
  }

  /** The row with the columns that every window has; the others are null. */
  row({ key, opened_us, start_us, end_us, revision, is_final }: Revision): WritableRow {
    const row = { ...this.#blank };
    row.window_id = this.id(key, opened_us);
    const columns = this.definition.key;
    if (columns.length > 0) {
      const cells = keyCells(key, columns.length);
      for (let i = 0; i < columns.length; i++) row[columns[i]] = cells[i];
    }
    row.window_start = momentCell(start_us);
    row.window_end = momentCell(end_us);
    row.log_partition = this.partition;
    row.revision = revision;
    row.is_final = is_final;
    return row;
  }
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
