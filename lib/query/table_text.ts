/**
 * An answer on a terminal: an aligned table for people, JSON or CSV for programs.
 *
 * Whatever stands in a cell is shown as text: control characters and the marks that reverse a line's direction are
 * written as escapes, so that no value can move the cursor or pose as another.
 */
import type { QueryResult } from "./engine.ts";
import { csvText, distinctNames } from "./format.ts";

export interface TableTextOptions {
  /** Characters of a line at most; longer cells are cut with an ellipsis. */
  width?: number;
}

const NUMERIC = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|BIGNUM|FLOAT|DOUBLE|DECIMAL)/;
const LEAST_CELL = 8;
const MOST_CELL = 60;
// deno-lint-ignore no-control-regex
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** One text, ending in a line feed, in the form that the command line was asked for. */
export function resultText(
  result: QueryResult,
  format: "table" | "json" | "csv",
  options: TableTextOptions = {},
): string {
  switch (format) {
    case "json":
      return objectsText(result);
    case "csv":
      return csvText(result, "\n");
    case "table":
      return tableText(result, options);
  }
}

/** An array of one object a row. */
function objectsText({ columns, rows }: QueryResult): string {
  const names = distinctNames(columns.map((column) => column.name));
  const objects = rows.map((row) =>
    `  ${JSON.stringify(Object.fromEntries(names.map((name, at) => [name, row[at]])))}`
  );
  return objects.length === 0 ? "[]\n" : `[\n${objects.join(",\n")}\n]\n`;
}

function tableText(
  { columns, rows, truncated }: QueryResult,
  { width = Infinity }: TableTextOptions,
): string {
  const cells = [
    columns.map((column) => visible(column.name)),
    ...rows.map((row) => row.map((cell) => visible(cellText(cell)))),
  ];
  const widest = (at: number) => cells.reduce((most, row) => Math.max(most, columnsOf(row[at])), 1);
  const widths = fit(columns.map((_, at) => widest(at)), width);
  const isRight = columns.map((column) => NUMERIC.test(column.type) && !column.type.endsWith("[]"));
  const line = (row: readonly string[], right: readonly boolean[]) =>
    row.map((cell, at) => pad(cut(cell, widths[at]), widths[at], right[at])).join("  ").trimEnd();
  const rule = widths.map((one) => "─".repeat(one)).join("  ");
  const count = `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
  const closing = truncated ? `(the first ${count}; there are more)` : `(${count})`;
  const [header, ...body] = cells;
  return [line(header, isRight), rule, ...body.map((row) => line(row, isRight)), closing].join("\n") + "\n";
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "∅";
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

/** Takes from the widest columns until the line fits, but leaves each something to read. */
function fit(wanted: readonly number[], width: number): number[] {
  const widths = wanted.map((one) => Math.min(one, MOST_CELL));
  const total = () => widths.reduce((sum, one) => sum + one, 2 * (widths.length - 1));
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest] <= LEAST_CELL) break;
    widths[widest]--;
  }
  return widths;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/u;
const COMBINING = /\p{Mn}|\p{Me}/u;

/** Columns of a terminal that a text takes, nearly: wide scripts and emoji take two, combining marks none. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}

function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (columnsOf(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - columnsOf(text)));
  return right ? space + text : text + space;
}
