/**
 * Snapshots: which one a reader means, what its summary says, and which ones time travel keeps.
 *
 *   kept:   one an hour for 7 days      one a minute for 2 hours   every one of 10 minutes
 *          |x-------x-------x---- ... |x--x--x--x--x--x ...       |xxxxxxxxxxxxxxxxxxxxx| now
 *
 * Of each hour and minute the last snapshot stays: it is what the table was at its end. So does the last one of all the
 * time before, which is what the table was when the seven days began, and always the current one.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { DataFile } from "./data_file.ts";
import {
  currentSchema,
  type IcebergSchema,
  schemaById,
  type Snapshot,
  type TableMetadata,
} from "./metadata.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export type Operation = Snapshot["summary"]["operation"];

/** How long snapshots are told apart: all of them, the last of each minute, the last of each hour. */
export interface Retention {
  all_ms: number;
  minutes_ms: number;
  hours_ms: number;
}

export const TIME_TRAVEL: Retention = {
  all_ms: 10 * MINUTE_MS,
  minutes_ms: 2 * HOUR_MS,
  hours_ms: 7 * DAY_MS,
};

export function currentSnapshot(metadata: TableMetadata): Snapshot | null {
  const id = metadata["current-snapshot-id"];
  return metadata.snapshots.find((one) => one["snapshot-id"] === id) ?? null;
}

export interface SnapshotChoice {
  /** A snapshot id. */
  snapshot?: number;
  /** Milliseconds since 1970: the table as it was then. */
  as_of?: number;
}

/**
 * The snapshot a reader asks for, the current one without a choice; null when there is none such (any more). Of a moment
 * when the table was not made yet, or empty, there is none; a Fault `no_such_snapshot` of one that is older than what is
 * kept, and when the table had rows already.
 */
export function findSnapshot(
  metadata: TableMetadata,
  choice: SnapshotChoice = {},
  clock: Pick<Clock, "now"> = systemClock,
): Snapshot | null {
  const { snapshot, as_of } = choice;
  if (snapshot !== undefined) {
    return metadata.snapshots.find((one) => one["snapshot-id"] === snapshot) ?? null;
  }
  if (as_of === undefined) return currentSnapshot(metadata);
  const until = metadata.snapshots.filter((one) => one["timestamp-ms"] <= as_of);
  const isOld = as_of < clock.now() - TIME_TRAVEL.hours_ms;
  if (until.length === 0 && isOld && metadata.snapshots[0]?.["sequence-number"] > 1) {
    throw notKept(metadata, as_of);
  }
  return until.reduce<Snapshot | null>((newest, one) => newest && isAfter(newest, one) ? newest : one, null);
}

/** What its reader may name: now the columns of now, though no row has the newest yet; of a choice those of then. */
export function schemaSeen(
  metadata: TableMetadata,
  choice: SnapshotChoice,
  snapshot: Snapshot | null,
): IcebergSchema {
  const isNow = choice.snapshot === undefined && choice.as_of === undefined;
  return isNow || snapshot === null ? currentSchema(metadata) : schemaById(metadata, snapshot["schema-id"]);
}

function notKept({ snapshots }: TableMetadata, as_of: number): Fault {
  const [then, first] = [as_of, snapshots[0]["timestamp-ms"]].map((ms) => new Date(ms).toISOString());
  return new Fault(
    "no_such_snapshot",
    `Cannot read the table as of ${then}: what it was before ${first} is no longer kept`,
    { blame: "sender", retry: "never" },
  );
}

function isAfter(a: Snapshot, b: Snapshot): boolean {
  return a["sequence-number"] > b["sequence-number"];
}

/** Ids of the snapshots to keep at `now`. */
export function retainedSnapshots(
  metadata: TableMetadata,
  now: number,
  retention: Retention = TIME_TRAVEL,
): Set<number> {
  const current = metadata["current-snapshot-id"];
  const lastOf = new Map<string, number>();
  for (const one of metadata.snapshots) {
    lastOf.set(bucketOf(one, now, retention), one["snapshot-id"]);
  }
  return new Set([...lastOf.values(), ...(current === undefined ? [] : [current])]);
}

/**
 * Snapshots are listed in the order of their making, so the last in a bucket is the newest. A minute or hour counts as
 * old when its end is: then thinning twice keeps what thinning once keeps.
 */
function bucketOf(snapshot: Snapshot, now: number, retention: Retention): string {
  const minute = Math.floor(snapshot["timestamp-ms"] / MINUTE_MS);
  const hour = Math.floor(snapshot["timestamp-ms"] / HOUR_MS);
  const since = (end: number) => now - end;
  if (since((minute + 1) * MINUTE_MS) < retention.all_ms) return `one ${snapshot["snapshot-id"]}`;
  if (since((hour + 1) * HOUR_MS) < retention.minutes_ms) return `minute ${minute}`;
  if (since((hour + 1) * HOUR_MS) < retention.hours_ms) return `hour ${hour}`;
  return "before";
}

export interface FileChange {
  operation: Operation;
  added: readonly DataFile[];
  removed: readonly DataFile[];
}

/** The summary that readers and dashboards look at; `own` keys must not be Iceberg's. */
export function summaryOf(
  parent: Snapshot | null,
  change: FileChange,
  own: Readonly<Record<string, string>>,
): Snapshot["summary"] {
  const added = totals(change.added);
  const removed = totals(change.removed);
  const total = (key: string, plus: number, minus: number) =>
    String(Number(parent?.summary[key] ?? 0) + plus - minus);
  const partitions = new Set(
    [...change.added, ...change.removed].map((file) => JSON.stringify(file.partition)),
  );
  return {
    ...own,
    operation: change.operation,
    "added-data-files": String(added.files),
    "added-records": String(added.records),
    "added-files-size": String(added.bytes),
    "deleted-data-files": String(removed.files),
    "deleted-records": String(removed.records),
    "removed-files-size": String(removed.bytes),
    "changed-partition-count": String(partitions.size),
    "total-records": total("total-records", added.records, removed.records),
    "total-data-files": total("total-data-files", added.files, removed.files),
    "total-files-size": total("total-files-size", added.bytes, removed.bytes),
    "total-delete-files": "0",
    "total-position-deletes": "0",
    "total-equality-deletes": "0",
  };
}

function totals(files: readonly DataFile[]): { files: number; records: number; bytes: number } {
  return {
    files: files.length,
    records: files.reduce((sum, file) => sum + file.record_count, 0),
    bytes: files.reduce((sum, file) => sum + file.size_bytes, 0),
  };
}
