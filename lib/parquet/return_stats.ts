/** The column statistics of COPY's RETURN_STATS, taken apart: a map of quoted column paths to maps of texts. */
import { z } from "zod";
import type { IcebergField } from "../iceberg/metadata.ts";
import { quoteName } from "./duckdb_type.ts";
import type { TextStats } from "./statistics.ts";

/** Maps come as lists of key and value. */
const Statistics = z.array(z.object({
  key: z.string(),
  value: z.array(z.object({ key: z.string(), value: z.string() })),
}));

/** By column name; what is nested has longer paths and is left out. */
export function textStats(statistics: unknown, columns: readonly IcebergField[]): Record<string, TextStats> {
  const byPath = new Map(Statistics.parse(statistics).map(({ key, value }) => [key, value]));
  return Object.fromEntries(columns.flatMap(({ name, type }) => {
    const pairs = typeof type === "string" ? byPath.get(quoteName(name)) : undefined;
    if (!pairs) return [];
    const of = new Map(pairs.map(({ key, value }) => [key, value]));
    return [[name, {
      min: of.get("min") ?? null,
      max: of.get("max") ?? null,
      null_count: Number(of.get("null_count") ?? 0),
      value_count: Number(of.get("num_values") ?? 0),
      size_bytes: Number(of.get("column_size_bytes") ?? 0),
      has_nan: of.get("has_nan") === "true",
    }]];
  }));
}
