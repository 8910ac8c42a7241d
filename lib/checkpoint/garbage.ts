/**
 * What a partition's owner wrote and nobody needs any more. Pure: what is listed and read is handed in.
 *
 *   image   after      lowest unapplied        older   newest
 *     ▼       ▼              ▼                   ▼       ▼
 *   ──●───────┼──────────────●───────────────────●───────●──►  checkpoint numbers
 *     └ kept  └── all from here on are kept: a restore walks them, or some table still has to take their rows
 *
 * Segments may go earlier than their checkpoints: when every table has their rows and no restore needs their changes.
 * What no checkpoint names is judged by fences alone: it can never be named once the newest checkpoint has a higher
 * epoch, or stands beyond its first offset. No age decides.
 */
import type { Checkpoint } from "./checkpoint.ts";
import { parseImageKey, parseSegmentKey } from "./paths.ts";

export interface PartitionObjects {
  /** Numbers of all checkpoints that exist, readable or not. */
  numbers: readonly number[];
  /** Those of them that can be read. */
  checkpoints: ReadonlyMap<number, Checkpoint>;
  /** Keys. Listed before the checkpoints were. */
  segments: readonly string[];
  images: readonly string[];
}

export interface PartitionNeeds {
  /** The last checkpoint that a table has applied, 0 for none; read before the checkpoints were. */
  applied(table: string): number;
  /** A checkpoint from which on all are kept for other readers (the audit); 0: it needs none. */
  keep_from: number;
}

export interface PartitionGarbage {
  segments: string[];
  images: string[];
  /** Ascending: they go from the bottom up. */
  checkpoints: number[];
  /** The log is needed from here on. */
  log_from: number;
}

const NOTHING: PartitionGarbage = { segments: [], images: [], checkpoints: [], log_from: 0 };

/** Nothing, as long as the two newest checkpoints cannot both be read: then nobody knows what they need. */
export function partitionGarbage(objects: PartitionObjects, needs: PartitionNeeds): PartitionGarbage {
  const newest = newestOf(objects);
  const older = newest && objects.checkpoints.get(newest.previous);
  if (!newest || !older) return NOTHING;
  const restorable = [newest, older];
  const changesAfter = Math.min(...restorable.map((one) => one.state.after));
  // Ghosts (lineage.ts) among them: a listing may have a gap, so what is below one may be real all the same.
  const waiting = [...objects.checkpoints.values()].filter((one) => isWaiting(one, needs));
  const from = Math.min(
    older.number,
    changesAfter + 1,
    ...waiting.map((one) => one.number),
    ...(needs.keep_from > 0 ? [needs.keep_from] : []),
  );
  const liveSegments = new Set(
    [...objects.checkpoints.values()]
      .filter((one) => one.number > changesAfter || waiting.includes(one))
      .map((one) => one.segment?.key),
  );
  const named = new Set([...objects.checkpoints.values()].map((one) => one.segment?.key));
  // A damaged checkpoint may name what looks unnamed, and people may mend it.
  const allRead = objects.numbers.every((number) => number < from || objects.checkpoints.has(number));
  const liveImages = new Set(restorable.map((one) => one.state.image?.key));
  return {
    segments: objects.segments.filter((key) =>
      !liveSegments.has(key) && (named.has(key) || (allRead && isFenced(key, newest)))
    ),
    images: objects.images.filter((key) => !liveImages.has(key) && isImageOver(key, newest)),
    checkpoints: objects.numbers.filter((number) => number < from).sort((a, b) => a - b),
    log_from: Math.min(older.next_offset, ...waiting.map((one) => one.first_offset)),
  };
}

function newestOf({ checkpoints }: PartitionObjects): Checkpoint | null {
  const highest = Math.max(0, ...checkpoints.keys());
  return checkpoints.get(highest) ?? null;
}

/** Whether some table named in the checkpoint has not applied it. */
function isWaiting(checkpoint: Checkpoint, needs: PartitionNeeds): boolean {
  return Object.keys(checkpoint.tables).some((table) => needs.applied(table) < checkpoint.number);
}

/** Whether the segment's writer can no longer name it in a checkpoint. */
function isFenced(key: string, newest: Checkpoint): boolean {
  const name = parseSegmentKey(key);
  return name !== null && (newest.epoch > name.epoch || newest.next_offset > name.first_offset);
}

/** Whether the checkpoint that the image was made for has been decided, with it or without. */
function isImageOver(key: string, newest: Checkpoint): boolean {
  const image = parseImageKey(key);
  return image !== null && image.number <= newest.number;
}
