/**
 * What a model's table was made from, as properties of the table, and what has changed since: nothing, some days, or
 * possibly everything.
 *
 * A day has changed when one of its files is younger than what the model has seen. Compaction makes files young again
 * without changing rows, so it may name a day too many and never one too few. What left a table (retention) is counted
 * there, and makes the model whole again.
 */
import { hash } from "node:crypto";
import { z } from "zod";
import type { LoadedTable } from "../iceberg/catalog.ts";
import { readFiles } from "../iceberg/live_files.ts";
import { currentSchema, currentSpec, type TableMetadata } from "../iceberg/metadata.ts";
import { currentSnapshot } from "../iceberg/snapshot.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { DROPPED_ROWS } from "./audit.ts";
import type { Model } from "./model_file.ts";
import { affectedRanges, type DayRange } from "./model_sql.ts";
import type { Tables } from "./workbench.ts";

export const MODEL_SOURCES = "millrace.model_sources";
export const MODEL_VERSION = "millrace.model_version";

const Seen = z.object({
  snapshot: z.number(),
  /** Of the newest commit that was seen. */
  sequence: z.number(),
  dropped_rows: z.number(),
});
const SeenSources = z.record(z.string(), Seen);
type SeenSources = z.infer<typeof SeenSources>;

export type Change = "nothing" | "whole" | readonly DayRange[];

/** Partitions of this column are the days that models are made by. */
const DAY_COLUMN = "event_time";
const DAY_MS = 86_400_000;

export function sourcesSeen(sources: Tables): SeenSources {
  const seen = [...sources].map(([key, { metadata }]): [string, z.infer<typeof Seen>] => [key, {
    snapshot: currentSnapshot(metadata)?.["snapshot-id"] ?? 0,
    sequence: metadata["last-sequence-number"],
    dropped_rows: Number(metadata.properties[DROPPED_ROWS] ?? 0),
  }]);
  return Object.fromEntries(seen.sort(([a], [b]) => a < b ? -1 : 1));
}

export function modelProperties(model: Model, sources: Tables): Record<string, string> {
  return { [MODEL_SOURCES]: JSON.stringify(sourcesSeen(sources)), [MODEL_VERSION]: modelVersion(model) };
}

/** Changes with anything that the file says. */
export function modelVersion(model: Model): string {
  return hash("sha256", JSON.stringify(model), "hex").slice(0, 32);
}

/** What of the model has to be made again, `own` being its table as it is. */
export async function changeOf(
  model: Model,
  own: LoadedTable | null,
  { sources, store }: { sources: Tables; store: ObjectStore },
): Promise<Change> {
  const text = own?.metadata.properties[MODEL_SOURCES];
  if (!own || text === undefined) return "whole";
  if (own.metadata.properties[MODEL_VERSION] !== modelVersion(model)) return "whole";
  const seen = SeenSources.parse(JSON.parse(text));
  if (Object.keys(seen).length !== sources.size) return "whole";
  const days = new Set<string>();
  let changed = false;
  for (const [key, { metadata }] of sources) {
    const before = seen[key];
    if (!before) return "whole";
    if (before.snapshot === (currentSnapshot(metadata)?.["snapshot-id"] ?? 0)) continue;
    changed = true;
    const found = await changedDays(store, metadata, before);
    if (found === null) return "whole";
    for (const day of found) days.add(day);
  }
  if (!changed) return "nothing";
  return model.incremental === null ? "whole" : affectedRanges(model, days);
}

/** null when days do not tell. */
async function changedDays(
  store: ObjectStore,
  metadata: TableMetadata,
  before: z.infer<typeof Seen>,
): Promise<string[] | null> {
  const [field] = currentSpec(metadata).fields;
  const column = currentSchema(metadata).fields.find((one) => one.id === field?.["source-id"]);
  if (column?.name !== DAY_COLUMN || field.transform !== "day") return null;
  // A table that was rolled back or made anew has fewer commits than were seen.
  if (metadata["last-sequence-number"] < before.sequence) return null;
  if (Number(metadata.properties[DROPPED_ROWS] ?? 0) !== before.dropped_rows) return null;
  const days: string[] = [];
  for (const { partition, sequence_number } of await readFiles(store, metadata)) {
    if (sequence_number <= before.sequence) continue;
    const day = partition[field.name];
    if (typeof day !== "number") return null;
    days.push(new Date(day * DAY_MS).toISOString().slice(0, 10));
  }
  return days;
}
