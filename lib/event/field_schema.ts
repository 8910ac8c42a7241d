/** What a declared field is to others: the column that keeps it, and its JSON Schema (2020-12). */
import type { Column, ColumnType } from "./column.ts";
import { type Field, MAX_ID_CHARACTERS } from "./field.ts";

const INT_MAX = 2_147_483_647;

export type JsonSchema = { readonly [keyword: string]: unknown };

/** The column that keeps the field. */
export function fieldColumn(field: Field): Column {
  return { name: field.name, type: columnType(field), doc: field.doc };
}

function columnType(field: Field): ColumnType {
  switch (field.type) {
    case "timestamp":
      return "timestamp";
    case "amount":
      return "decimal(18, 4)";
    case "number":
      return "double";
    case "integer":
      return field.min !== undefined && field.max !== undefined && field.min >= -INT_MAX &&
          field.max <= INT_MAX
        ? "int"
        : "long";
    case "boolean":
      return "boolean";
    case "id":
    case "text":
    case "enum":
    case "currency":
    case "country":
    case "object":
      return "string";
  }
}

/** The field as JSON Schema (2020-12). */
export function fieldSchema(field: Field): JsonSchema {
  const described = { description: field.doc };
  switch (field.type) {
    case "id":
      return { ...described, type: "string", minLength: 1, maxLength: MAX_ID_CHARACTERS };
    case "text":
      return { ...described, type: "string" };
    case "enum":
      return { ...described, type: "string", enum: field.values ?? [] };
    case "timestamp":
      return {
        ...described,
        anyOf: [{ type: "integer", minimum: 0 }, { type: "string", format: "date-time" }],
      };
    case "amount":
      return { ...described, anyOf: [{ type: "number" }, { type: "string", pattern: "^-?\\d+(\\.\\d+)?$" }] };
    case "currency":
      return { ...described, type: "string", pattern: "^[A-Za-z]{3}$" };
    case "country":
      return { ...described, type: "string", pattern: "^[A-Za-z]{2}$" };
    case "number":
    case "integer":
      return {
        ...described,
        type: field.type,
        ...(field.min === undefined ? {} : { minimum: field.min }),
        ...(field.max === undefined ? {} : { maximum: field.max }),
      };
    case "boolean":
    case "object":
      return { ...described, type: field.type };
  }
}
