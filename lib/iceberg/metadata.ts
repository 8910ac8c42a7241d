/** Iceberg v2 table metadata as plain data (ICEBERG.md), and pure functions that make the next from the last. */

export type IcebergType =
  | string
  | { type: "list"; "element-id": number; element: IcebergType; "element-required": boolean }
  | {
    type: "map";
    "key-id": number;
    key: IcebergType;
    "value-id": number;
    value: IcebergType;
    "value-required": boolean;
  }
  | { type: "struct"; fields: IcebergField[] };

export interface IcebergField {
  id: number;
  name: string;
  required: boolean;
  type: IcebergType;
  doc?: string;
}

export interface IcebergSchema {
  type: "struct";
  "schema-id": number;
  fields: IcebergField[];
}

export interface PartitionField {
  "source-id": number;
  "field-id": number;
  transform: "day" | "identity";
  name: string;
}

export interface PartitionSpec {
  "spec-id": number;
  fields: PartitionField[];
}

export interface Snapshot {
  "snapshot-id": number;
  "parent-snapshot-id"?: number;
  "sequence-number": number;
  "timestamp-ms": number;
  "manifest-list": string;
  summary: { operation: "append" | "replace" | "overwrite" | "delete" } & Record<string, string>;
  "schema-id": number;
}

export interface TableMetadata {
  "format-version": 2;
  "table-uuid": string;
  location: string;
  "last-sequence-number": number;
  "last-updated-ms": number;
  "last-column-id": number;
  "current-schema-id": number;
  schemas: IcebergSchema[];
  "default-spec-id": number;
  "partition-specs": PartitionSpec[];
  "last-partition-id": number;
  "default-sort-order-id": number;
  "sort-orders": { "order-id": number; fields: unknown[] }[];
  properties: Record<string, string>;
  "current-snapshot-id"?: number;
  refs: Record<string, { "snapshot-id": number; type: "branch" }>;
  snapshots: Snapshot[];
  "snapshot-log": { "snapshot-id": number; "timestamp-ms": number }[];
  "metadata-log": { "metadata-file": string; "timestamp-ms": number }[];
}

/** The schema that new rows are written with and readers see by default. */
export function currentSchema(metadata: TableMetadata): IcebergSchema {
  return schemaById(metadata, metadata["current-schema-id"]);
}

export function schemaById(metadata: TableMetadata, id: number): IcebergSchema {
  const schema = metadata.schemas.find((one) => one["schema-id"] === id);
  if (!schema) throw new RangeError(`Cannot find schema ${id} in table metadata`);
  return schema;
}

/** The spec that new files are divided by. */
export function currentSpec(metadata: TableMetadata): PartitionSpec {
  const id = metadata["default-spec-id"];
  const spec = metadata["partition-specs"].find((one) => one["spec-id"] === id);
  if (!spec) throw new RangeError(`Cannot find partition spec ${id} in table metadata`);
  return spec;
}
