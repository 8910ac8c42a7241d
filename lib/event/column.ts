/** What a column is, wherever rows are made: its name, its Iceberg type and one sentence for people. */

/**
 * Values of a row as they stand in memory and in a segment (JSON):
 * - timestamp: text `2026-01-31T09:30:00.123456` (UTC, no zone, three or six decimals)
 * - decimal(p, s): text `-12.3400`; long: a safe integer, or text beyond 2^53
 * - string, boolean, int, double (finite): as JSON has them
 * - list: array; map: object of texts; absent or null: null
 */
export type Cell = string | number | boolean | null | readonly unknown[] | {
  readonly [key: string]: unknown;
};

export type Row = { readonly [column: string]: Cell };

/** An Iceberg type in its JSON form: a name, or a nested list, map or struct without ids (the table gives ids). */
export type ColumnType =
  | "boolean"
  | "int"
  | "long"
  | "double"
  | "string"
  | "timestamp"
  | `decimal(${number}, ${number})`
  | { list: ColumnType }
  | { map: ColumnType }
  | { struct: readonly Column[] };

export interface Column {
  name: string;
  type: ColumnType;
  /** One sentence; stands in the table's `doc`, in the schema tree and in the API. */
  doc: string;
}
