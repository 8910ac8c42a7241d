/**
 * Whether what was copied of the checkpoints goes on from what was copied of the tables. Pure.
 *
 * Between the two copies somebody may have published and collected what the copied tables still lack, or what they stand
 * on: who began anew below a number that a table has applied would decide rows that it takes for applied. Then the copy
 * is made again from newer tables.
 */
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type Applied, markOf } from "./applied.ts";

export interface CopiedPartition {
  partition: number;
  /** The highest number of a checkpoint that was copied, one that cannot be read among them; 0 for none. */
  highest: number;
  /** Those that were copied and can be read, with their numbers. */
  checkpoints: ReadonlyMap<number, Checkpoint>;
  /** Keys of segments and images that were copied. */
  objects: ReadonlySet<string>;
}

/** The first thing that is missing, in words; null when nothing is. `applied` is by table. */
export function missingFrom(copy: CopiedPartition, applied: ReadonlyMap<string, Applied>): string | null {
  const ahead = [...applied].find(([, marks]) => markOf(marks, copy.partition).number > copy.highest);
  if (ahead) return `the checkpoints after ${copy.highest}, some of which ${ahead[0]} has applied`;
  const newest = copy.checkpoints.get(Math.max(0, ...copy.checkpoints.keys()));
  if (!newest) return copy.checkpoints.size === 0 ? null : "the newest checkpoint";
  const image = newest.state.image;
  if (image && !copy.objects.has(image.key)) return image.key;
  return missingChanges(copy, newest) ??
    Object.keys(newest.totals).map((table) => missingRows(copy, newest, { table, applied })).find((one) =>
      one !== null
    ) ?? null;
}

/** What a restore from the newest checkpoint reads besides its image. */
function missingChanges(copy: CopiedPartition, newest: Checkpoint): string | null {
  for (let number = newest.number; number > newest.state.after;) {
    const checkpoint = copy.checkpoints.get(number);
    if (!checkpoint) return `checkpoint ${number}`;
    if (checkpoint.segment && !copy.objects.has(checkpoint.segment.key)) return checkpoint.segment.key;
    number = checkpoint.previous;
  }
  return null;
}

/** Rows that a copied table has not applied, followed from the newest checkpoint that has some. */
function missingRows(
  copy: CopiedPartition,
  newest: Checkpoint,
  { table, applied }: { table: string; applied: ReadonlyMap<string, Applied> },
): string | null {
  const mark = markOf(applied.get(table) ?? {}, copy.partition).number;
  for (let number = newest.totals[table].newest; number > mark;) {
    const checkpoint = copy.checkpoints.get(number);
    if (!checkpoint) return `checkpoint ${number}, which ${table} has not applied`;
    if (checkpoint.segment && !copy.objects.has(checkpoint.segment.key)) {
      return `${checkpoint.segment.key}, which ${table} has not applied`;
    }
    number = checkpoint.tables[table]?.previous ?? 0;
  }
  return null;
}
