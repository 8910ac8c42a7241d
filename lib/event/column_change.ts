/**
 * How the columns of a kind's table were changed by hand (`main.ts evolve`): a list that only grows. Pure.
 *
 *   the kind's columns ─► add tier ─► widen tier ─► rename tier to level ─► drop device_id ─► the table's columns
 *
 * Events keep their names: what makes two copies equal is the kind's own. The row is shaped by the list, from the record
 * on that brings it into force; so a list is always told whole, and of two the longer one counts. Rules and windows see
 * the kind's own fields under their own names, and beside them the columns that have other names.
 */
import { z } from "zod";
import { typeNamed } from "./cell.ts";
import type { ColumnType } from "./column.ts";
import type { Kind } from "./kind.ts";

const Change = z.discriminatedUnion("change", [
  z.strictObject({
    change: z.literal("add"),
    column: z.strictObject({ name: z.string(), type: z.string(), doc: z.string().optional() }),
  }),
  z.strictObject({ change: z.literal("widen"), name: z.string(), type: z.string() }),
  z.strictObject({ change: z.literal("rename"), name: z.string(), to: z.string() }),
  z.strictObject({ change: z.literal("drop"), name: z.string() }),
]);
export type ColumnChange = z.infer<typeof Change>;

/** The body of a `schema` record. */
export const SchemaBody = z.strictObject({ kind: z.string(), changes: z.array(Change) });
export type SchemaBody = z.infer<typeof SchemaBody>;

/** A column of the table besides the common ones, and where its values come from. */
export interface EvolvedColumn {
  name: string;
  type: string;
  /** The kind's own column whose cell it takes; null when it takes fields alone. */
  declared: string | null;
  /** Fields that the kind does not know, of which the first that is there is taken; the newest name first. */
  fields: readonly string[];
}

/** Whether `longer` is `list`, or goes on from it. */
export function goesOnFrom(list: readonly ColumnChange[], longer: readonly ColumnChange[]): boolean {
  return list.length <= longer.length && list.every((one, i) => isSameChange(one, longer[i]));
}

/** What is said of a column for people does not make it another one. */
export function isSameChange(a: ColumnChange, b: ColumnChange): boolean {
  return JSON.stringify(withoutDoc(a)) === JSON.stringify(withoutDoc(b));
}

function withoutDoc(change: ColumnChange): ColumnChange {
  const parsed = Change.parse(change);
  if (parsed.change !== "add") return parsed;
  const { name, type } = parsed.column;
  return { change: "add", column: { name, type } };
}

/** The kind's columns after the changes. */
export function evolvedColumns(
  { columns }: Pick<Kind, "columns">,
  changes: readonly ColumnChange[],
): EvolvedColumn[] {
  const start = columns.map(({ name, type }): EvolvedColumn => ({
    name,
    type: String(type),
    declared: name,
    fields: [],
  }));
  return changes.reduce((before, change) => changed(before, change, columns), start);
}

function changed(
  before: readonly EvolvedColumn[],
  change: ColumnChange,
  declared: Kind["columns"],
): EvolvedColumn[] {
  switch (change.change) {
    case "add": {
      const { name, type } = change.column;
      const own = declared.some((column) => column.name === name) ? name : null;
      const others = before.filter((column) => column.name !== name);
      return [...others, { name, type, declared: own, fields: [name] }];
    }
    case "widen":
      return before.map((column) => column.name === change.name ? { ...column, type: change.type } : column);
    case "rename":
      return before.map((column) =>
        column.name === change.name
          ? { ...column, name: change.to, fields: [change.to, ...column.fields] }
          : column
      );
    case "drop":
      return before.filter((column) => column.name !== change.name);
  }
}

/**
 * Columns of a kind's table that are not the kind's own. "any" where nobody knows them: a name may then be one of them, of
 * whatever type.
 */
export type AddedColumns = readonly AddedColumn[] | "any";

export interface AddedColumn {
  name: string;
  type: ColumnType;
}

/** Tells what was added to the table of each kind, in their order; the metadata of the tables knows. */
export type AddedTo = (kinds: readonly Kind[]) => Promise<readonly AddedColumns[]>;

/** Those after the changes. A whole number is a long: it may be widened while a window has it in its key. */
export function addedColumns(kind: Pick<Kind, "columns">, changes: readonly ColumnChange[]): AddedColumn[] {
  const own = new Set(kind.columns.map(({ name }) => name));
  return evolvedColumns(kind, changes).flatMap(({ name, type }) => {
    const named = own.has(name) ? null : typeNamed(type);
    return named === null ? [] : [{ name, type: named === "int" ? "long" : named }];
  });
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** Whether a column can be called so. What every object has by birth would be found where there is no such column. */
export function isColumnName(name: string): boolean {
  return NAME.test(name) && !(name in Object.prototype);
}

/** Names that the table's columns had, and that none of them has now. */
export function retiredNames(changes: readonly ColumnChange[]): ReadonlySet<string> {
  const retired = new Set<string>();
  for (const change of changes) {
    if (change.change === "rename" || change.change === "drop") retired.add(change.name);
    if (change.change === "rename") retired.delete(change.to);
    if (change.change === "add") retired.delete(change.column.name);
  }
  return retired;
}
