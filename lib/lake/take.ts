/**
 * Which decided checkpoints a table takes next. Pure.
 *
 *   applied ─┐
 *   ... 7 ── 8 ── 9 ── 10 ── 12        9 and 10 are taken; 12 names 11 as the one before with rows: a gap in the
 *                                      listing, so 12 waits until 11 is seen
 */
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { Fault } from "../errors.ts";
import { type Applied, type Mark, markOf } from "./applied.ts";

export interface Take {
  /** Checkpoints whose rows of this table are to be added; none when those that are waiting are in it already. */
  checkpoints: readonly Checkpoint[];
  rows: number;
  /** What the table has applied once they are in. */
  applied: Applied;
}

export interface TakeLimits {
  /** Rows at most in one commit; a single checkpoint may exceed it. */
  max_rows: number;
  /** Bytes at most of the segments whose rows are taken, compressed as they are: rows may be wide. */
  max_bytes: number;
  /** Days at most that the rows touch: each is a file of its own. */
  max_days: number;
}

/** null when there is nothing to add for `table`. `chains` holds the readable checkpoints of each partition, ascending. */
export function planTake(
  table: string,
  applied: Applied,
  chains: ReadonlyMap<number, readonly Checkpoint[]>,
  limits: TakeLimits,
): Take | null {
  const next: Record<string, Mark> = { ...applied };
  const checkpoints: Checkpoint[] = [];
  let rows = 0;
  let bytes = 0;
  let days = 0;
  let passes = false;
  for (const [partition, chain] of chains) {
    let mark = markOf(applied, partition);
    for (const checkpoint of chain) {
      if (rows >= limits.max_rows || bytes >= limits.max_bytes || days >= limits.max_days) break;
      if (checkpoint.number <= mark.number) continue;
      const here = checkpoint.tables[table];
      // Also one without rows names the last one with rows, or passing it would pass over what a listing missed.
      const before = here ? here.previous : checkpoint.totals[table]?.newest ?? 0;
      if (before > mark.number) break;
      // Of a damaged checkpoint, whose offsets were decided once more: only the mark has to move.
      if (here && checkpoint.next_offset <= mark.next_offset) passes = true;
      else if (here) {
        refuseStraddle(table, checkpoint, mark);
        checkpoints.push(checkpoint);
        rows += here.rows;
        bytes += checkpoint.segment?.size_bytes ?? 0;
        days += checkpoint.days ?? 1;
      }
      mark = { number: checkpoint.number, next_offset: Math.max(mark.next_offset, checkpoint.next_offset) };
    }
    next[String(partition)] = mark;
  }
  return checkpoints.length > 0 || passes ? { checkpoints, rows, applied: next } : null;
}

/** Rows that are half in the table already can be neither taken nor passed over. */
function refuseStraddle(table: string, checkpoint: Checkpoint, mark: Mark): void {
  if (checkpoint.first_offset >= mark.next_offset) return;
  throw new Fault(
    "checkpoint_straddles",
    `Cannot publish checkpoint ${checkpoint.number} of partition ${checkpoint.partition} into ${table}: it begins at ` +
      `offset ${checkpoint.first_offset}, but the table stands at ${mark.next_offset}, inside it`,
    { blame: "us", retry: "never" },
  );
}
