/** Partition specs: which column a table is divided by, and what value a file stands for. */
import type { AvroField, AvroSchema } from "./avro.ts";
import { encodeBound } from "./bounds.ts";
import { dateText } from "./calendar.ts";
import type { IcebergField, IcebergType, PartitionField, PartitionSpec } from "./metadata.ts";

/** Day: days since 1970. Identity: the value itself as rows hold it. null: rows without a value. */
export type PartitionValue = number | string | null;
/** A file's values by the partition fields' names. */
export type Partition = Readonly<Record<string, PartitionValue>>;

export interface PartitionColumn {
  column: string;
  transform: "day" | "identity";
}

const FIRST_FIELD_ID = 1000;

export function partitionSpec(
  fields: readonly IcebergField[],
  columns: readonly PartitionColumn[],
  spec_id = 0,
): PartitionSpec {
  return {
    "spec-id": spec_id,
    fields: columns.map(({ column, transform }, i) => {
      const source = fields.find((field) => field.name === column);
      if (!source) throw new RangeError(`Cannot partition by ${column}: there is no such column`);
      return {
        "source-id": source.id,
        "field-id": FIRST_FIELD_ID + i,
        transform,
        name: transform === "day" ? freeName(`${column}_day`, fields) : column,
      };
    }),
  };
}

/** Spark cannot read a table whose partitions are named like a column that is not their source. */
function freeName(name: string, fields: readonly IcebergField[]): string {
  const isTaken = fields.some((field) => field.name.toLowerCase() === name.toLowerCase());
  return isTaken ? freeName(`${name}_`, fields) : name;
}

/** The highest partition field id of a spec; 999 when it has none. */
export function lastPartitionId(spec: PartitionSpec): number {
  return Math.max(FIRST_FIELD_ID - 1, ...spec.fields.map((field) => field["field-id"]));
}

/** The Iceberg type of a partition field's values. */
export function partitionType(field: PartitionField, fields: readonly IcebergField[]): IcebergType {
  if (field.transform === "day") return "date";
  return fields.find((one) => one.id === field["source-id"])?.type ?? "string";
}

/** The Avro record of a manifest's `partition` field. */
export function partitionAvro(spec: PartitionSpec, fields: readonly IcebergField[]): AvroSchema {
  const avroFields = spec.fields.map((field): AvroField => ({
    name: field.name,
    type: ["null", avroType(partitionType(field, fields))],
    default: null,
    "field-id": field["field-id"],
  }));
  return { type: "record", name: "r102", fields: avroFields };
}

function avroType(type: IcebergType): AvroSchema {
  switch (type) {
    case "date":
      return { type: "int", logicalType: "date" };
    case "int":
    case "long":
    case "string":
      return type;
    default:
      throw new RangeError(`Cannot partition by ${JSON.stringify(type)}: day, int, long and string only`);
  }
}

/** A partition value as the single-value bytes of a manifest list's summary. */
export function partitionBound(type: IcebergType, value: number | string): Uint8Array | null {
  return encodeBound(type, type === "date" && typeof value === "number" ? dateText(value) : value);
}

/** A text that is equal for equal partitions of one spec, to group files by. */
export function partitionKey(partition: Partition): string {
  return JSON.stringify(Object.keys(partition).sort().map((name) => [name, partition[name]]));
}
