/**
 * Which files of a table become one. Pure.
 *
 * Idea: within a partition, the smallest files are merged as soon as there are more than a few of them, together with
 * every larger one that is no bigger than what was gathered so far. Sizes then form a rough geometric series: a row is
 * rewritten a logarithmic number of times, and the count of files stays bounded while appends go on. Files of
 * half the target and more are left alone for good.
 */

export interface CompactionFile {
  path: string;
  /** Equal text, equal partition. */
  partition: string;
  size_bytes: number;
  record_count: number;
}

export interface CompactionUnit {
  partition: string;
  files: readonly CompactionFile[];
  size_bytes: number;
}

export interface CompactionLimits {
  target_bytes: number;
  /** Bytes of input of one unit at most. */
  unit_bytes: number;
  /** Small files that a partition may keep. */
  keep_files: number;
}

export const COMPACTION_LIMITS: CompactionLimits = {
  target_bytes: 256 * 1024 * 1024,
  unit_bytes: 512 * 1024 * 1024,
  keep_files: 8,
};

/** Units in the order in which they help most. `full` (for a partition) leaves one small file instead of a few. */
export function planCompaction(
  files: readonly CompactionFile[],
  limits: CompactionLimits,
  full: boolean | ((partition: string) => boolean) = false,
): CompactionUnit[] {
  const byPartition = Map.groupBy(
    files.filter((file) => file.size_bytes < limits.target_bytes / 2),
    (file) => file.partition,
  );
  const units: CompactionUnit[] = [];
  const isFull = typeof full === "boolean" ? () => full : full;
  for (const [partition, small] of byPartition) {
    const all = isFull(partition);
    if (small.length <= (all ? 1 : limits.keep_files)) continue;
    const chosen = choose(small, limits, all);
    if (chosen.length > 1) units.push({ partition, files: chosen, size_bytes: total(chosen) });
  }
  return units.sort((a, b) => b.files.length - a.files.length || (a.partition < b.partition ? -1 : 1));
}

function choose(small: readonly CompactionFile[], limits: CompactionLimits, full: boolean): CompactionFile[] {
  const ascending = small.toSorted((a, b) => a.size_bytes - b.size_bytes || (a.path < b.path ? -1 : 1));
  const surely = full ? ascending.length : ascending.length - (limits.keep_files >> 1);
  const chosen: CompactionFile[] = [];
  let bytes = 0;
  for (const [i, file] of ascending.entries()) {
    if (bytes + file.size_bytes > limits.unit_bytes) break;
    if (i >= surely && file.size_bytes > bytes) break;
    chosen.push(file);
    bytes += file.size_bytes;
  }
  return chosen;
}

function total(files: readonly CompactionFile[]): number {
  return files.reduce((sum, file) => sum + file.size_bytes, 0);
}
