/** A row in the shape that the table's changes give it: cells under their new names, added columns filled from `extra`. */
import { cellOf } from "./cell.ts";
import type { Cell, Row } from "./column.ts";
import { type ColumnChange, type EvolvedColumn, evolvedColumns } from "./column_change.ts";
import { COMMON_COLUMNS } from "./common_columns.ts";
import { extraFields, extraText } from "./extra.ts";
import type { Kind, MutableRow } from "./kind.ts";

export interface RowShape {
  /** Gives a row of the kind the columns that have other names or take fields, in place: so rules and windows see them. */
  fill(row: MutableRow): void;
  /** The row of the table, of one that was filled. */
  table(row: Row): Row;
}

/**
 * What is no value of a column's type stays in `extra`, and the column is null: a change of columns never makes a dead
 * letter of an event. What of `extra` was taken leaves it.
 */
export function rowShape(kind: Pick<Kind, "columns">, changes: readonly ColumnChange[]): RowShape {
  const columns = evolvedColumns(kind, changes);
  const filled = columns.filter((column) => column.fields.length > 0);
  const names = [...COMMON_COLUMNS, ...columns].map(({ name }) => name);
  return {
    fill(row) {
      if (filled.length === 0) return;
      const extra = typeof row.extra === "string" ? extraFields(row.extra) : {};
      const taken = new Set<string>();
      for (const column of filled) {
        const own = column.declared === null ? null : row[column.declared] ?? null;
        row[column.name] = own ?? taking(column, extra, taken);
      }
      if (taken.size > 0) row.extra = extraText(extra, (name) => taken.has(name));
    },
    table(row) {
      const shaped: MutableRow = {};
      for (const name of names) shaped[name] = row[name] ?? null;
      return shaped;
    },
  };
}

function taking(
  { fields, type }: EvolvedColumn,
  extra: ReturnType<typeof extraFields>,
  taken: Set<string>,
): Cell {
  for (const name of fields) {
    if (!Object.hasOwn(extra, name)) continue;
    const cell = cellOf(type, extra[name]);
    if (cell === undefined) continue;
    taken.add(name);
    if (cell !== null) return cell;
  }
  return null;
}
