/** What rules and windows may name of a kind: its own columns, those that were added to its table, and who sent an event. */
import type { ColumnType } from "../event/column.ts";
import { isColumnName } from "../event/column_change.ts";
import { COMMON_COLUMNS } from "../event/common_columns.ts";
import type { Kind } from "../event/kind.ts";

/** What a definition needs to know of a kind. */
export type KindShape = Pick<Kind, "columns" | "partition" | "added">;
export type KindShapes = ReadonlyMap<string, KindShape>;

export interface ColumnTypes {
  /** undefined: there is no such column; "any": it may be an added one, and nobody knows here. */
  of(name: string): ColumnType | "any" | undefined;
}

/** The common columns that a definition may name. */
const SENDER = ["source", "event_id"];

export function columnTypes({ columns, added = [] }: KindShape): ColumnTypes {
  const common = COMMON_COLUMNS.filter(({ name }) => SENDER.includes(name));
  const known = [...common, ...(added === "any" ? [] : added), ...columns];
  const types = new Map(known.map(({ name, type }) => [name, type]));
  const mayBeAdded = (name: string) =>
    added === "any" && isColumnName(name) && !COMMON_COLUMNS.some((column) => column.name === name);
  return { of: (name) => types.get(name) ?? (mayBeAdded(name) ? "any" : undefined) };
}

/**
 * For a partition, which takes over what was checked elsewhere: a column that it has not read of yet is absent, and no
 * reason to refuse a whole list.
 */
export function withAnyColumns(kinds: KindShapes): KindShapes {
  return new Map([...kinds].map(([name, kind]) => [name, { ...kind, added: "any" }]));
}
