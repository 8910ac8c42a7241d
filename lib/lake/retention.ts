/**
 * Retention: whole days that are older than a table keeps leave it, in one commit that also counts their rows.
 *
 *   TABLE_RETENTION_DAYS=transactions=30        day 0 ... day 9 │ day 10 ... today (day 40)
 *                                               dropped, counted │ kept
 *
 * The count stands in the table's properties, so that the audit's equation still holds: decided = there + dropped. The
 * rows stay readable in the past until their snapshots expire; then the collector deletes the files.
 */
import type { Clock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { Catalog, LoadedTable, TableName } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import { type LiveFile, readFiles } from "../iceberg/live_files.ts";
import { currentSpec, type TableMetadata } from "../iceberg/metadata.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { appliedSummary } from "./applied.ts";
import { DROPPED_ROWS } from "./audit.ts";
import { parseTableKey, tableKey } from "./table_key.ts";

export interface RetentionContext {
  catalog: Catalog;
  store: ObjectStore;
  clock: Clock;
}

export interface Dropped {
  table: string;
  files: number;
  rows: number;
}

const DAY_MS = 86_400_000;

/** Drops what is older than `days`; null when there is no such table, or nothing to drop. */
export async function dropOldDays(
  { catalog, store, clock }: RetentionContext,
  name: TableName,
  { days, dry_run, signal }: { days: number; dry_run?: boolean; signal?: AbortSignal },
): Promise<Dropped | null> {
  const first_day = Math.floor(clock.now() / DAY_MS) - days;
  const oldOf = async ({ metadata }: LoadedTable) =>
    isOlder(await readFiles(store, metadata), metadata, first_day);
  let old: LiveFile[] = [];
  const table = await catalog.load(name);
  if (table) old = await oldOf(table);
  if (old.length > 0 && !dry_run) {
    await commitUpdate({
      catalog,
      store,
      clock,
      name,
      signal,
      plan: async (base) => {
        old = await oldOf(base);
        if (old.length === 0) return null;
        const { metadata } = base;
        return {
          operation: "delete",
          added: [],
          removed: old.map((file) => file.path),
          properties: droppedProperties(metadata, rowsOf(old)),
          summary: appliedSummary(metadata),
        };
      },
    });
  }
  return old.length === 0 ? null : { table: tableKey(name), files: old.length, rows: rowsOf(old) };
}

/** The properties once `rows` more have left the table on purpose. */
export function droppedProperties({ properties }: TableMetadata, rows: number): Record<string, string> {
  return { [DROPPED_ROWS]: String(Number(properties[DROPPED_ROWS] ?? 0) + rows) };
}

function isOlder(files: readonly LiveFile[], metadata: TableMetadata, first_day: number): LiveFile[] {
  const day = currentSpec(metadata).fields.find((field) => field.transform === "day");
  if (!day) return [];
  return files.filter(({ partition }) => {
    const value = partition[day.name];
    return typeof value === "number" && value < first_day;
  });
}

function rowsOf(files: readonly LiveFile[]): number {
  return files.reduce((sum, file) => sum + file.record_count, 0);
}

/**
 * Whose days `TABLE_RETENTION_DAYS` means: `stage.table`, or the table's own name when only one has it. What cannot be
 * meant is a Fault that names it.
 */
export function retainedTables(
  settings: Readonly<Record<string, number>>,
  tables: readonly LoadedTable[],
): { name: TableName; days: number }[] {
  return Object.entries(settings).map(([key, days]) => {
    const named = tables.filter(({ name }) => tableKey(name) === key || name.name === key);
    if (named.length !== 1) {
      throw unclear(key, named.length === 0 ? "there is no such table" : "several have this name");
    }
    const [{ metadata, name }] = named;
    if (!currentSpec(metadata).fields.some((field) => field.transform === "day")) {
      throw unclear(key, "the table is not divided by day");
    }
    return { name: parseTableKey(tableKey(name)), days };
  });
}

function unclear(key: string, state: string): Fault {
  return new Fault("retention_unclear", `Cannot keep ${key} as TABLE_RETENTION_DAYS says: ${state}`, {
    blame: "sender",
    retry: "never",
  });
}
