/** What DuckDB tells of a file that it wrote, as what a manifest says of it. */
import type { BoundValue } from "../iceberg/bounds.ts";
import type { ColumnStats, DataFile } from "../iceberg/data_file.ts";
import type { IcebergField, PartitionSpec } from "../iceberg/metadata.ts";

/** One column of RETURN_STATS: everything is text. */
export interface TextStats {
  min: string | null;
  max: string | null;
  null_count: number;
  value_count: number;
  has_nan: boolean;
  size_bytes: number;
}

export interface WrittenFile {
  /** Local path. */
  path: string;
  record_count: number;
  size_bytes: number;
  /** Days since 1970 that all rows lie on; null when rows have no day, or the table is not divided. */
  day: number | null;
  /** By column name; top-level primitive columns only. */
  stats: Readonly<Record<string, TextStats>>;
}

/** The entry of a manifest for a written file, once it has its address. */
export function dataFile(
  written: WrittenFile,
  address: string,
  table: { fields: readonly IcebergField[]; spec: PartitionSpec },
): DataFile {
  const { record_count, size_bytes, day, stats } = written;
  const partition = Object.fromEntries(table.spec.fields.map((field) => {
    if (field.transform !== "day") {
      throw new RangeError(`Cannot place a file by ${field.transform} ${field.name}`);
    }
    return [field.name, day];
  }));
  return {
    path: address,
    record_count,
    size_bytes,
    partition,
    column_stats: columnStats(table.fields, stats),
  };
}

export function columnStats(
  fields: readonly IcebergField[],
  stats: Readonly<Record<string, TextStats>>,
): ColumnStats[] {
  return fields.flatMap(({ id, name, type }) => {
    const own = Object.hasOwn(stats, name) ? stats[name] : undefined;
    if (!own || typeof type !== "string") return [];
    const { null_count, value_count, has_nan, size_bytes } = own;
    // A column with NaN has bounds that say nothing of them: better none than wrong ones.
    const known = own.min !== null && own.max !== null && !has_nan;
    const lower = known ? boundOf(type, own.min!, "lower") : null;
    const upper = known ? boundOf(type, own.max!, "upper") : null;
    return [{ id, lower, upper, null_count, value_count, size_bytes }];
  });
}

/** The text of a statistic as rows hold such a value; null for types whose bounds are not kept. */
function boundOf(type: string, text: string, side: "lower" | "upper"): BoundValue | null {
  if (type.startsWith("decimal")) return text;
  switch (type) {
    case "boolean":
      return text === "1" || text === "true";
    case "int":
      return Number(text);
    case "long":
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    case "float":
    case "double":
      return floatBound(text, side);
    case "timestamp":
      return timestampBound(text);
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(text) ? text : null;
    case "string":
      return text;
    default:
      return null;
  }
}

/** Zero bounds both zeros: -0 from below, +0 from above. */
function floatBound(text: string, side: "lower" | "upper"): number | null {
  if (text === "inf") return Infinity;
  if (text === "-inf") return -Infinity;
  const value = Number(text);
  if (Number.isNaN(value)) return null;
  return value === 0 ? (side === "lower" ? -0 : 0) : value;
}

/** null beyond the years 0001 to 9999 (and for the infinities). */
function timestampBound(text: string): string | null {
  return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/.test(text) ? text.replace(" ", "T") : null;
}
