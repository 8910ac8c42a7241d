/** An answer in the forms in which people and programs take it: JSON, NDJSON, CSV, Arrow. */
import type { QueryResult } from "./engine.ts";
import { tooLarge } from "./refusal.ts";

export const QUERY_FORMATS = ["json", "ndjson", "csv", "arrow"] as const;
export type QueryFormat = typeof QUERY_FORMATS[number];

export interface FormattedResult {
  content_type: string;
  body: string | Uint8Array<ArrayBuffer>;
}

/**
 * The whole answer in one form. Only JSON says in its body whether it was cut. Rejects with a Fault `limit` when the form,
 * which may name every column in every row, is larger than any text can be.
 */
export async function formatResult(result: QueryResult, format: QueryFormat): Promise<FormattedResult> {
  try {
    return await formatted(result, format);
  } catch (error) {
    throw error instanceof RangeError ? tooLarge() : error;
  }
}

async function formatted(result: QueryResult, format: QueryFormat): Promise<FormattedResult> {
  switch (format) {
    case "json":
      return { content_type: "application/json", body: jsonText(result) };
    case "ndjson":
      return { content_type: "application/x-ndjson", body: ndjsonText(result) };
    case "csv":
      return { content_type: "text/csv; charset=utf-8; header=present", body: csvText(result) };
    case "arrow": {
      // Loaded when first asked for: it is large and seldom wanted.
      const { arrowBytes } = await import("./arrow.ts");
      return { content_type: "application/vnd.apache.arrow.stream", body: arrowBytes(result) };
    }
  }
}

function jsonText({ columns, rows, truncated, elapsed_ms }: QueryResult): string {
  return JSON.stringify({ columns, rows, truncated, elapsed_ms });
}

/** One object a row. A column that repeats a name gets a number, so that no value is lost. */
export function ndjsonText({ columns, rows }: QueryResult): string {
  const names = distinctNames(columns.map((column) => column.name));
  return rows.map((row) =>
    JSON.stringify(Object.fromEntries(names.map((name, at) => [name, row[at]]))) + "\n"
  )
    .join("");
}

/** `a, a, b` becomes `a, a_1, b`. */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let number = 1; taken.has(free); number++) free = `${name}_${number}`;
    taken.add(free);
    return free;
  });
}

/** Columns whose cells are no text, so that a sign in front is a sign. */
const NO_TEXT =
  /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER|ERVAL)?|BIGNUM|FLOAT|DOUBLE|DECIMAL|BOOLEAN|DATE|TIME)/;
const FORMULA = /^[=+\-@\t\r\n\0]/;

/**
 * RFC 4180 with a header. A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers and
 * times are left as they are. Null is an empty field, the empty text is `""`.
 */
export function csvText({ columns, rows }: QueryResult, lineEnd = "\r\n"): string {
  const isText = columns.map((column) => column.type.endsWith("[]") || !NO_TEXT.test(column.type));
  const header = columns.map((column) => csvField(column.name, true)).join(",");
  const lines = rows.map((row) => row.map((cell, at) => csvField(cell, isText[at])).join(","));
  return [header, ...lines].map((line) => line + lineEnd).join("");
}

function csvField(cell: unknown, isText: boolean): string {
  if (cell === null || cell === undefined) return "";
  const text = typeof cell === "object" ? JSON.stringify(cell) : String(cell);
  const safe = isText && typeof cell !== "number" && FORMULA.test(text) ? `'${text}` : text;
  return safe === "" || /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
