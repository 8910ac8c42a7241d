/** JSON Schema in few words, for the API's description. */
import type { Column, ColumnType } from "../lib/event/column.ts";

export type Schema = Readonly<Record<string, unknown>>;

export const text = (description?: string): Schema => ({
  type: "string",
  ...(description ? { description } : {}),
});
export const orNull = (type: string): Schema => ({ type: [type, "null"] });
export const integer: Schema = { type: "integer" };
export const number: Schema = { type: "number" };
export const boolean: Schema = { type: "boolean" };
export const time: Schema = { type: "string", format: "date-time" };
export const timeOrNull: Schema = { type: ["string", "null"], format: "date-time" };
/** A number, or text where a double would lose digits. */
export const exact: Schema = { type: ["number", "string"] };
export const exactOrNull: Schema = { type: ["number", "string", "null"] };
/** Anything that has members. */
export const anyObject: Schema = { type: "object", additionalProperties: true };
export const listed = (items: Schema): Schema => ({ type: "array", items });
export const choice = (...words: string[]): Schema => ({ enum: words });
export const byName = (value: Schema): Schema => ({ type: "object", additionalProperties: value });
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** All members are there but those in `optional`. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

/** A piece of a list. */
export function listSchema(name: string, more: Readonly<Record<string, Schema>> = {}): Schema {
  return object({ items: listed(ref(name)), cursor: orNull("string"), ...more });
}

/** A row as the API gives it: times say their zone, numbers keep their digits. */
export function rowSchema(
  columns: readonly Column[],
  more: Readonly<Record<string, Schema>> = {},
): Schema {
  const cells = columns.map(({ name, type, doc }) => [name, { ...cellSchema(type), description: doc }]);
  return object({ ...Object.fromEntries(cells), ...more });
}

function cellSchema(type: ColumnType): Schema {
  if (typeof type !== "string") {
    if ("list" in type) return { type: ["array", "null"], items: cellSchema(type.list) };
    if ("map" in type) return { type: ["object", "null"], additionalProperties: cellSchema(type.map) };
    return rowSchema(type.struct);
  }
  if (type === "timestamp") return timeOrNull;
  if (type === "boolean") return orNull("boolean");
  if (type === "string") return orNull("string");
  return type === "int" ? orNull("integer") : exactOrNull;
}
