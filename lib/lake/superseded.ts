/**
 * Revisions of windows that nobody asks for any more: compaction leaves out those that were superseded over a day ago.
 *
 * Revisions carry no time of writing, but commits do: a row in a file that is older than a snapshot of yesterday is
 * older than a day, and so is the supersession of every lower revision of its window. What only a younger file
 * supersedes stays.
 */
import type { LiveFile } from "../iceberg/live_files.ts";
import type { IcebergField, TableMetadata } from "../iceberg/metadata.ts";
import { quoteName } from "../parquet/duckdb_type.ts";
import { parquetRelation } from "../parquet/relation.ts";

const DAY_MS = 86_400_000;

/** Whether the table holds revisions of windows, of which only the highest counts. */
export function holdsRevisions(key: string, fields: readonly IcebergField[]): boolean {
  const names = fields.map((field) => field.name);
  return key.endsWith("_revisions") && names.includes("window_id") && names.includes("revision");
}

/** Files with at most this sequence number are over a day old; 0 when no snapshot that old is known. */
export function settledSequence({ snapshots }: TableMetadata, now: number): number {
  const old = snapshots.filter((one) => one["timestamp-ms"] <= now - DAY_MS);
  return Math.max(0, ...old.map((one) => one["sequence-number"]));
}

/** Partitions (as text) to which nothing was added for a day: worth one more rewriting, which is the last. */
export function settledPartitions(
  files: readonly (LiveFile & { key: string })[],
  settled: number,
): Set<string> {
  const all = new Set(files.map((file) => file.key));
  for (const file of files) if (file.sequence_number > settled) all.delete(file.key);
  return all;
}

/** The rows of `paths` without revisions that a row of `settled` paths supersedes. */
export function withoutSuperseded(
  paths: readonly string[],
  settled: readonly string[],
  fields: readonly IcebergField[],
): string {
  const all = parquetRelation(paths, fields);
  if (settled.length === 0) return all;
  const columns = fields.map((field) => `kept.${quoteName(field.name)}`).join(", ");
  const highest = `SELECT window_id AS of_window, max(revision) AS highest FROM (${
    parquetRelation(settled, fields)
  }) GROUP BY window_id`;
  return `SELECT ${columns} FROM (${all}) AS kept LEFT JOIN (${highest}) ON kept.window_id = of_window ` +
    `WHERE highest IS NULL OR kept.revision >= highest`;
}
