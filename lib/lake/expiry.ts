/**
 * Thinning of snapshots: what time travel does not promise (snapshot.ts) leaves the metadata, and its files become garbage.
 *
 * On the schedule a table is thinned only when it pays: a commit for a single snapshot would be one more file than it
 * frees, and an idle lake shall not commit. What is too old by a day goes in any case, so that dropped data really ends.
 */
import type { Clock } from "../clock.ts";
import type { Catalog, TableName } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import type { TableMetadata } from "../iceberg/metadata.ts";
import { retainedSnapshots, TIME_TRAVEL } from "../iceberg/snapshot.ts";
import { expireSnapshots } from "../iceberg/update.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { tableKey } from "./table_key.ts";

export interface ExpiryContext {
  catalog: Catalog;
  store: ObjectStore;
  clock: Clock;
}

export interface ExpireOptions {
  /** Also when it hardly pays. */
  full?: boolean;
  dry_run?: boolean;
  signal?: AbortSignal;
}

export interface Expired {
  table: string;
  /** Snapshots before and after; equal when nothing was done. */
  before: number;
  after: number;
}

/** So many expendable snapshots are worth a commit. */
const WORTH_SNAPSHOTS = 20;
const OVERDUE_MS = 86_400_000;

/** Thins one table; null when there is no such table. */
export async function expireTable(
  { catalog, store, clock }: ExpiryContext,
  name: TableName,
  options: ExpireOptions = {},
): Promise<Expired | null> {
  const table = await catalog.load(name);
  if (!table) return null;
  const now = clock.now();
  const before = table.metadata.snapshots.length;
  const planned = thinned(table.metadata, now, options.full === true);
  if (planned === table.metadata || options.dry_run) {
    return { table: tableKey(name), before, after: planned.snapshots.length };
  }
  const after = await commitUpdate({
    catalog,
    store,
    clock,
    name,
    signal: options.signal,
    plan: ({ metadata }) => {
      const next = thinned(metadata, now, options.full === true);
      return next === metadata ? null : { metadata: next };
    },
  });
  return { table: tableKey(name), before, after: after?.metadata.snapshots.length ?? before };
}

/** The metadata without the snapshots that need not be kept; the same object when it does not pay. Pure. */
export function thinned(metadata: TableMetadata, now: number, full: boolean): TableMetadata {
  const keep = retainedSnapshots(metadata, now);
  const expendable = metadata.snapshots.filter((one) => !keep.has(one["snapshot-id"]));
  const overdue = now - TIME_TRAVEL.hours_ms - OVERDUE_MS;
  const pays = full || expendable.length >= WORTH_SNAPSHOTS ||
    expendable.some((one) => one["timestamp-ms"] < overdue);
  return pays ? expireSnapshots(metadata, keep, now) : metadata;
}
