/** The least and greatest values of a data file by the names that its columns have now. */
import type { ColumnStats } from "./data_file.ts";
import type { IcebergField } from "./metadata.ts";

export interface NamedBounds {
  min: Record<string, unknown>;
  max: Record<string, unknown>;
}

/** Times say their zone. A bound may be wider than the values, never narrower; one that is not known is left out. */
export function namedBounds(
  { column_stats }: { column_stats: readonly ColumnStats[] },
  fields: readonly IcebergField[],
): NamedBounds {
  const bounds: NamedBounds = { min: {}, max: {} };
  const stats = new Map(column_stats.map((one) => [one.id, one]));
  for (const { id, name, type } of fields) {
    const found = stats.get(id);
    if (!found) continue;
    const shown = (value: unknown) => (type === "timestamp" ? `${value}Z` : value);
    if (found.lower !== null) bounds.min[name] = shown(found.lower);
    if (found.upper !== null) bounds.max[name] = shown(found.upper);
  }
  return bounds;
}
