/**
 * What a table has taken over from the log: per partition, the last checkpoint and its next offset. It stands in the
 * table's properties and, the same text, in the snapshot's summary; both move in the one metadata commit that adds the rows.
 */
import { z } from "zod";
import type { TableMetadata } from "../iceberg/metadata.ts";

export const APPLIED = "millrace.applied";

const Mark = z.object({ number: z.number().int(), next_offset: z.number().int() });
const Applied = z.record(z.string(), Mark);

export type Mark = z.infer<typeof Mark>;
/** By partition number (as text). */
export type Applied = Readonly<Record<string, Mark>>;

const NOTHING: Mark = { number: 0, next_offset: 0 };

export function appliedOf(metadata: TableMetadata): Applied {
  const text = metadata.properties[APPLIED];
  return text === undefined ? {} : Applied.parse(JSON.parse(text));
}

export function markOf(applied: Applied, partition: number): Mark {
  return applied[String(partition)] ?? NOTHING;
}

export function appliedText(applied: Applied): string {
  const partitions = Object.keys(applied).sort((a, b) => Number(a) - Number(b));
  return JSON.stringify(Object.fromEntries(partitions.map((partition) => [partition, applied[partition]])));
}

/** What the summary of a snapshot says that takes nothing over: the same as the one before. */
export function appliedSummary({ properties }: TableMetadata): Record<string, string> {
  return properties[APPLIED] === undefined ? {} : { [APPLIED]: properties[APPLIED] };
}

/** Where properties and summary tell different stories, a foreign tool moved the table behind our back. */
export function summaryDisagrees(metadata: TableMetadata): boolean {
  const current = metadata.snapshots.find((one) => one["snapshot-id"] === metadata["current-snapshot-id"]);
  const inSummary = current?.summary[APPLIED];
  return inSummary !== undefined && inSummary !== metadata.properties[APPLIED];
}
