/** A manifest list: the manifests of one snapshot with their counts, as an Avro file (ICEBERG.md lists its fields). */
import { type AvroField, type AvroRecord, type AvroSchema, decodeAvro, encodeAvro } from "./avro.ts";
import type { ManifestEntry, ManifestShape } from "./manifest.ts";
import { partitionBound, partitionType } from "./partition.ts";

/** What the list says of a manifest. */
export interface ManifestFile {
  path: string;
  size_bytes: number;
  spec_id: number;
  /** Of the commit that added this manifest. */
  sequence_number: number;
  /** Lowest of the entries that are not deleted. */
  min_sequence_number: number;
  added_snapshot_id: number;
  added_files: number;
  existing_files: number;
  deleted_files: number;
  added_rows: number;
  existing_rows: number;
  deleted_rows: number;
  /** One a partition field: lets readers skip the manifest. */
  partitions: readonly PartitionSummary[];
}

export interface PartitionSummary {
  contains_null: boolean;
  lower: Uint8Array | null;
  upper: Uint8Array | null;
}

export interface SnapshotPlace {
  snapshot_id: number;
  parent_snapshot_id: number | null;
  sequence_number: number;
}

/** What the list has to say of a manifest that this commit writes. */
export function describeManifest(
  shape: ManifestShape,
  entries: readonly ManifestEntry[],
  at: { path: string; size_bytes: number; place: SnapshotPlace },
): ManifestFile {
  const { path, size_bytes, place } = at;
  const of = (status: string) => entries.filter((entry) => entry.status === status);
  const rows = (some: readonly ManifestEntry[]) =>
    some.reduce((sum, entry) => sum + entry.file.record_count, 0);
  const [added, existing, deleted] = [of("added"), of("existing"), of("deleted")];
  const sequences = existing.map((entry) => entry.sequence_number ?? place.sequence_number);
  return {
    path,
    size_bytes,
    spec_id: shape.spec["spec-id"],
    sequence_number: place.sequence_number,
    min_sequence_number: sequences.reduce((least, one) => Math.min(least, one), place.sequence_number),
    added_snapshot_id: place.snapshot_id,
    added_files: added.length,
    existing_files: existing.length,
    deleted_files: deleted.length,
    added_rows: rows(added),
    existing_rows: rows(existing),
    deleted_rows: rows(deleted),
    partitions: summaries(shape, entries),
  };
}

function summaries({ schema, spec }: ManifestShape, entries: readonly ManifestEntry[]): PartitionSummary[] {
  return spec.fields.map((field) => {
    const type = partitionType(field, schema.fields);
    const values = entries.map((entry) => entry.file.partition[field.name] ?? null);
    const present = values.filter((value) => value !== null);
    const least = present.reduce((a, b) => b < a ? b : a, present[0]);
    const most = present.reduce((a, b) => b > a ? b : a, present[0]);
    return {
      contains_null: present.length < values.length,
      lower: present.length > 0 ? partitionBound(type, least) : null,
      upper: present.length > 0 ? partitionBound(type, most) : null,
    };
  });
}

export function encodeManifestList(
  place: SnapshotPlace,
  manifests: readonly ManifestFile[],
): Uint8Array<ArrayBuffer> {
  return encodeAvro(LIST_SCHEMA, manifests.map(listRecord), {
    "snapshot-id": String(place.snapshot_id),
    "parent-snapshot-id": String(place.parent_snapshot_id),
    "sequence-number": String(place.sequence_number),
    "format-version": "2",
  });
}

export function decodeManifestList(bytes: Uint8Array): ManifestFile[] {
  return decodeAvro(bytes).records.map((record) => manifestOf(record as AvroRecord));
}

function listRecord(manifest: ManifestFile): AvroRecord {
  return {
    manifest_path: manifest.path,
    manifest_length: manifest.size_bytes,
    partition_spec_id: manifest.spec_id,
    content: 0,
    sequence_number: manifest.sequence_number,
    min_sequence_number: manifest.min_sequence_number,
    added_snapshot_id: manifest.added_snapshot_id,
    added_files_count: manifest.added_files,
    existing_files_count: manifest.existing_files,
    deleted_files_count: manifest.deleted_files,
    added_rows_count: manifest.added_rows,
    existing_rows_count: manifest.existing_rows,
    deleted_rows_count: manifest.deleted_rows,
    partitions: manifest.partitions.map((one) => ({
      contains_null: one.contains_null,
      contains_nan: false,
      lower_bound: one.lower,
      upper_bound: one.upper,
    })),
  };
}

function manifestOf(record: AvroRecord): ManifestFile {
  const partitions = (record.partitions ?? []) as readonly AvroRecord[];
  return {
    path: String(record.manifest_path),
    size_bytes: Number(record.manifest_length),
    spec_id: Number(record.partition_spec_id),
    sequence_number: Number(record.sequence_number),
    min_sequence_number: Number(record.min_sequence_number),
    added_snapshot_id: Number(record.added_snapshot_id),
    added_files: Number(record.added_files_count),
    existing_files: Number(record.existing_files_count),
    deleted_files: Number(record.deleted_files_count),
    added_rows: Number(record.added_rows_count),
    existing_rows: Number(record.existing_rows_count),
    deleted_rows: Number(record.deleted_rows_count),
    partitions: partitions.map((one) => ({
      contains_null: one.contains_null === true,
      lower: one.lower_bound instanceof Uint8Array ? one.lower_bound : null,
      upper: one.upper_bound instanceof Uint8Array ? one.upper_bound : null,
    })),
  };
}

const need = (name: string, type: AvroSchema, id: number): AvroField => ({ name, type, "field-id": id });
const may = (name: string, type: AvroSchema, id: number): AvroField => ({
  name,
  type: ["null", type],
  default: null,
  "field-id": id,
});

const SUMMARY_SCHEMA: AvroSchema = {
  type: "record",
  name: "r508",
  fields: [
    need("contains_null", "boolean", 509),
    may("contains_nan", "boolean", 518),
    may("lower_bound", "bytes", 510),
    may("upper_bound", "bytes", 511),
  ],
};

const LIST_SCHEMA: AvroSchema = {
  type: "record",
  name: "manifest_file",
  fields: [
    need("manifest_path", "string", 500),
    need("manifest_length", "long", 501),
    need("partition_spec_id", "int", 502),
    need("content", "int", 517),
    need("sequence_number", "long", 515),
    need("min_sequence_number", "long", 516),
    need("added_snapshot_id", "long", 503),
    need("added_files_count", "int", 504),
    need("existing_files_count", "int", 505),
    need("deleted_files_count", "int", 506),
    need("added_rows_count", "long", 512),
    need("existing_rows_count", "long", 513),
    need("deleted_rows_count", "long", 514),
    may("partitions", { type: "array", items: SUMMARY_SCHEMA, "element-id": 508 }, 507),
  ],
};
