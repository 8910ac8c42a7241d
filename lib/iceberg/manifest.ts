/** A manifest: the data files that one commit added, kept or replaced, as an Avro file (ICEBERG.md lists its fields). */
import {
  type AvroField,
  type AvroRecord,
  type AvroSchema,
  type AvroValue,
  decodeAvro,
  encodeAvro,
} from "./avro.ts";
import { decodeBound, lowerBound, upperBound } from "./bounds.ts";
import type { ColumnStats, DataFile } from "./data_file.ts";
import type { IcebergField, IcebergSchema, IcebergType, PartitionSpec } from "./metadata.ts";
import { type Partition, partitionAvro } from "./partition.ts";

export type EntryStatus = "existing" | "added" | "deleted";

export interface ManifestEntry {
  status: EntryStatus;
  /** The snapshot that added the file, or that deleted it. */
  snapshot_id: number;
  /** null for an added file: it is that of the commit, which the manifest list knows. Else explicit. */
  sequence_number: number | null;
  file: DataFile;
}

/** What the files of one manifest have in common. */
export interface ManifestShape {
  schema: IcebergSchema;
  spec: PartitionSpec;
}

export interface DecodedManifest extends ManifestShape {
  entries: ManifestEntry[];
}

const STATUSES: readonly EntryStatus[] = ["existing", "added", "deleted"];

export function encodeManifest(
  shape: ManifestShape,
  entries: readonly ManifestEntry[],
): Uint8Array<ArrayBuffer> {
  const { schema, spec } = shape;
  const types = typesById(schema.fields);
  return encodeAvro(entrySchema(shape), entries.map((entry) => entryRecord(entry, types)), {
    schema: JSON.stringify(schema),
    "schema-id": String(schema["schema-id"]),
    "partition-spec": JSON.stringify(spec.fields),
    "partition-spec-id": String(spec["spec-id"]),
    "format-version": "2",
    content: "data",
  });
}

export function decodeManifest(bytes: Uint8Array): DecodedManifest {
  const { metadata, records } = decodeAvro(bytes);
  const schema: IcebergSchema = JSON.parse(metadata.schema);
  const spec: PartitionSpec = {
    "spec-id": Number(metadata["partition-spec-id"]),
    fields: JSON.parse(metadata["partition-spec"]),
  };
  const types = typesById(schema.fields);
  return {
    schema,
    spec,
    entries: records.map((record) => entryOf(record as AvroRecord, types)),
  };
}

/** Primitive columns of the top level: those whose bounds are kept. */
function typesById(fields: readonly IcebergField[]): Map<number, IcebergType> {
  return new Map(fields.filter((field) => typeof field.type === "string").map(({ id, type }) => [id, type]));
}

function entryRecord(entry: ManifestEntry, types: Map<number, IcebergType>): AvroRecord {
  return {
    status: STATUSES.indexOf(entry.status),
    snapshot_id: entry.snapshot_id,
    sequence_number: entry.sequence_number,
    file_sequence_number: entry.sequence_number,
    data_file: fileRecord(entry.file, types),
  };
}

function fileRecord(file: DataFile, types: Map<number, IcebergType>): AvroRecord {
  const stats = file.column_stats.filter((one) => types.has(one.id));
  const bounds = (encode: (type: IcebergType, one: ColumnStats) => Uint8Array | null) =>
    stats.flatMap((one) => {
      const value = encode(types.get(one.id)!, one);
      return value === null ? [] : [{ key: one.id, value }];
    });
  return {
    content: 0,
    file_path: file.path,
    file_format: "PARQUET",
    partition: file.partition,
    record_count: file.record_count,
    file_size_in_bytes: file.size_bytes,
    column_sizes: stats.flatMap(({ id, size_bytes }) =>
      size_bytes === undefined ? [] : [{ key: id, value: size_bytes }]
    ),
    value_counts: stats.map((one) => ({ key: one.id, value: one.value_count })),
    null_value_counts: stats.map((one) => ({ key: one.id, value: one.null_count })),
    // Readers count on the map; how many NaN there are, nobody told us.
    nan_value_counts: [],
    lower_bounds: bounds((type, { lower }) => lower === null ? null : lowerBound(type, lower)),
    upper_bounds: bounds((type, { upper }) => upper === null ? null : upperBound(type, upper)),
    sort_order_id: 0,
  };
}

function entryOf(record: AvroRecord, types: Map<number, IcebergType>): ManifestEntry {
  const file = record.data_file as AvroRecord;
  return {
    status: STATUSES[Number(record.status)],
    snapshot_id: Number(record.snapshot_id),
    sequence_number: record.sequence_number === null ? null : Number(record.sequence_number),
    file: {
      path: String(file.file_path),
      record_count: Number(file.record_count),
      size_bytes: Number(file.file_size_in_bytes),
      partition: file.partition as Partition,
      column_stats: statsOf(file, types),
    },
  };
}

function statsOf(file: AvroRecord, types: Map<number, IcebergType>): ColumnStats[] {
  const [sizes, values, nulls, lowers, uppers] = [
    file.column_sizes,
    file.value_counts,
    file.null_value_counts,
    file.lower_bounds,
    file.upper_bounds,
  ].map(intMap);
  return [...types].flatMap(([id, type]) => {
    if (!values.has(id)) return [];
    const bound = (bytes: AvroValue | undefined) =>
      bytes instanceof Uint8Array ? decodeBound(type, bytes) : null;
    const size = sizes.get(id);
    return [{
      id,
      lower: bound(lowers.get(id)),
      upper: bound(uppers.get(id)),
      null_count: Number(nulls.get(id) ?? 0),
      value_count: Number(values.get(id)),
      ...(size === undefined ? {} : { size_bytes: Number(size) }),
    }];
  });
}

function intMap(value: AvroValue): Map<number, AvroValue> {
  const pairs = (value ?? []) as readonly AvroRecord[];
  return new Map(pairs.map((pair) => [Number(pair.key), pair.value]));
}

const optional = (name: string, type: AvroSchema, id: number): AvroField => ({
  name,
  type: ["null", type],
  default: null,
  "field-id": id,
});

const intMapSchema = (key: number, value: number, type: string): AvroSchema => ({
  type: "array",
  logicalType: "map",
  items: {
    type: "record",
    name: `k${key}_v${value}`,
    fields: [{ name: "key", type: "int", "field-id": key }, { name: "value", type, "field-id": value }],
  },
});

function entrySchema(shape: ManifestShape): AvroSchema {
  return {
    type: "record",
    name: "manifest_entry",
    fields: [
      { name: "status", type: "int", "field-id": 0 },
      optional("snapshot_id", "long", 1),
      optional("sequence_number", "long", 3),
      optional("file_sequence_number", "long", 4),
      { name: "data_file", type: dataFileSchema(shape), "field-id": 2 },
    ],
  };
}

function dataFileSchema({ schema, spec }: ManifestShape): AvroSchema {
  return {
    type: "record",
    name: "r2",
    fields: [
      { name: "content", type: "int", "field-id": 134 },
      { name: "file_path", type: "string", "field-id": 100 },
      { name: "file_format", type: "string", "field-id": 101 },
      { name: "partition", type: partitionAvro(spec, schema.fields), "field-id": 102 },
      { name: "record_count", type: "long", "field-id": 103 },
      { name: "file_size_in_bytes", type: "long", "field-id": 104 },
      optional("column_sizes", intMapSchema(117, 118, "long"), 108),
      optional("value_counts", intMapSchema(119, 120, "long"), 109),
      optional("null_value_counts", intMapSchema(121, 122, "long"), 110),
      optional("nan_value_counts", intMapSchema(138, 139, "long"), 137),
      optional("lower_bounds", intMapSchema(126, 127, "bytes"), 125),
      optional("upper_bounds", intMapSchema(129, 130, "bytes"), 128),
      optional("sort_order_id", "int", 140),
    ],
  };
}
