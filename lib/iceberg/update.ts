/**
 * The next metadata of a table from the last, as pure functions: append, replace, expire, evolve, set properties.
 *
 * Each of them starts from the metadata that it will be committed on and carries everything it does not mean to change
 * forward, the properties above all: `applied` and `collected` live there.
 */
import { Fault } from "../errors.ts";
import type { Snapshot, TableMetadata } from "./metadata.ts";
import { lastPartitionId, type PartitionColumn, partitionSpec } from "./partition.ts";
import {
  changeFields,
  type ColumnLike,
  numberFields,
  refuseName,
  type SchemaChange,
  schemaOf,
} from "./schema.ts";

/** Earlier metadata files that the newest one names at least, once there are so many. */
const METADATA_LOG_ENTRIES = 100;
/** Notes go so many at a time, so that few commits have files to delete. */
const METADATA_LOG_CUT = 20;
/** Property whose number rises with each fence of the garbage collector. */
export const COLLECTED = "collected";
/** Property that names the commit which made a metadata file, so that a lost answer can be found. */
export const COMMIT_ID = "commit-id";

export interface NewTable {
  uuid: string;
  /** Absolute address without a slash at the end. */
  location: string;
  columns: readonly ColumnLike[];
  partition: readonly PartitionColumn[];
  properties?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  at: number;
}

/** The first metadata of an empty table. */
export function newTableMetadata(table: NewTable): TableMetadata {
  for (const { name } of table.columns) refuseName(name);
  const numbered = numberFields(table.columns);
  const spec = partitionSpec(numbered.fields, table.partition);
  return {
    "format-version": 2,
    "table-uuid": table.uuid,
    location: table.location,
    "last-sequence-number": 0,
    "last-updated-ms": table.at,
    "last-column-id": numbered.last_column_id,
    "current-schema-id": 0,
    schemas: [schemaOf(numbered)],
    "default-spec-id": 0,
    "partition-specs": [spec],
    "last-partition-id": lastPartitionId(spec),
    "default-sort-order-id": 0,
    "sort-orders": [{ "order-id": 0, fields: [] }],
    properties: { ...table.properties },
    refs: {},
    snapshots: [],
    "snapshot-log": [],
    "metadata-log": [],
  };
}

/** Time in a table never goes back, whatever the clock of a committer says. */
export function commitTime(metadata: TableMetadata, now: number): number {
  return Math.max(now, metadata["last-updated-ms"]);
}

/** Makes `snapshot` the table's state, and sets properties in the same step. */
export function withSnapshot(
  metadata: TableMetadata,
  snapshot: Snapshot,
  properties: Readonly<Record<string, string>> = {},
): TableMetadata {
  const { "snapshot-id": id, "timestamp-ms": at } = snapshot;
  if (snapshot["sequence-number"] !== metadata["last-sequence-number"] + 1) {
    throw new RangeError(`Cannot add snapshot ${id}: its sequence number does not follow`);
  }
  return {
    ...metadata,
    "last-sequence-number": snapshot["sequence-number"],
    "last-updated-ms": at,
    "current-snapshot-id": id,
    refs: { ...metadata.refs, main: { "snapshot-id": id, type: "branch" } },
    snapshots: [...metadata.snapshots, snapshot],
    "snapshot-log": [...metadata["snapshot-log"], { "snapshot-id": id, "timestamp-ms": at }],
    properties: { ...metadata.properties, ...properties },
  };
}

/** Forgets all snapshots but `keep`; one that has a name (main, a tag) cannot be forgotten. The same object when nothing goes. */
export function expireSnapshots(
  metadata: TableMetadata,
  keep: ReadonlySet<number>,
  now: number,
): TableMetadata {
  const named = new Set(Object.values(metadata.refs).map((ref) => ref["snapshot-id"]));
  const stays = (id: number) => keep.has(id) || named.has(id) || id === metadata["current-snapshot-id"];
  const snapshots = metadata.snapshots.filter((one) => stays(one["snapshot-id"]));
  if (snapshots.length === metadata.snapshots.length) return metadata;
  return {
    ...metadata,
    "last-updated-ms": commitTime(metadata, now),
    snapshots,
    "snapshot-log": metadata["snapshot-log"].filter((one) => stays(one["snapshot-id"])),
  };
}

/** Changes the schema; the data files stay as they are. The same object when there is nothing to change. */
export function evolveSchema(
  metadata: TableMetadata,
  changes: readonly SchemaChange[],
  now: number,
): TableMetadata {
  if (changes.length === 0) return metadata;
  const current = metadata.schemas.find((one) => one["schema-id"] === metadata["current-schema-id"]);
  if (!current) throw new RangeError("Cannot change schema: the current one is missing");
  for (const change of changes) {
    refusePartitionColumn(metadata, current.fields, change);
    refuseNewName(metadata, change);
  }
  const start = { fields: current.fields, last_column_id: metadata["last-column-id"] };
  const numbered = changes.reduce(changeFields, start);
  const id = Math.max(...metadata.schemas.map((one) => one["schema-id"])) + 1;
  return {
    ...metadata,
    "last-updated-ms": commitTime(metadata, now),
    "last-column-id": numbered.last_column_id,
    "current-schema-id": id,
    schemas: [...metadata.schemas, schemaOf(numbered, id)],
  };
}

function refusePartitionColumn(
  metadata: TableMetadata,
  fields: readonly { id: number; name: string }[],
  change: SchemaChange,
): void {
  if (change.change !== "drop" && change.change !== "widen") return;
  const id = fields.find((field) => field.name === change.name)?.id;
  if (metadata["partition-specs"].some((spec) => spec.fields.some((field) => field["source-id"] === id))) {
    throw new Fault(
      "schema_refused",
      `Cannot ${change.change} column ${change.name}: the table is partitioned by it`,
      {
        blame: "sender",
        retry: "never",
      },
    );
  }
}

function refuseNewName(metadata: TableMetadata, change: SchemaChange): void {
  if (change.change !== "add" && change.change !== "rename") return;
  const partitions = metadata["partition-specs"].flatMap(({ fields }) => fields.map((field) => field.name));
  refuseName(change.change === "add" ? change.column.name : change.to, partitions);
}

export function setProperties(
  metadata: TableMetadata,
  properties: Readonly<Record<string, string>>,
  now: number,
): TableMetadata {
  return {
    ...metadata,
    "last-updated-ms": commitTime(metadata, now),
    properties: { ...metadata.properties, ...properties },
  };
}

/** Properties of the garbage collector's fence. */
export function fenceProperties(metadata: TableMetadata): Record<string, string> {
  return { [COLLECTED]: String(Number(metadata.properties[COLLECTED] ?? 0) + 1) };
}

/**
 * Notes in `next` which metadata file it was made from. The oldest notes go, and with them the files, which nothing
 * names once the commit stands: `dropped` has their addresses.
 */
export function withMetadataLog(
  next: TableMetadata,
  base: { metadata: TableMetadata; metadata_location: string },
): { metadata: TableMetadata; dropped: string[] } {
  const entry = {
    "metadata-file": base.metadata_location,
    "timestamp-ms": base.metadata["last-updated-ms"],
  };
  const log = [...next["metadata-log"], entry];
  const dropped = log.length > METADATA_LOG_ENTRIES + METADATA_LOG_CUT
    ? log.splice(0, log.length - METADATA_LOG_ENTRIES).map((one) => one["metadata-file"])
    : [];
  return { metadata: { ...next, "metadata-log": log }, dropped };
}
