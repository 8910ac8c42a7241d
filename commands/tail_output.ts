/** How `main.ts tail` shows records: a line for people, JSON or CSV as they come, Parquet when all are there. */
import { decodeUtf8 } from "../lib/event/json_text.ts";
import type { LogRecord } from "../lib/log/log.ts";
import { csvText } from "../lib/query/format.ts";
import type { Settings } from "../lib/config.ts";
import { printLine, writeOut } from "./answer.ts";
import { parquetBytes } from "./parquet_rows.ts";

export const TAIL_FORMATS = ["text", "json", "csv", "parquet"] as const;
export type TailFormat = typeof TAIL_FORMATS[number];

export interface TailOutput {
  /** Whether more is wanted: nobody may read any longer. */
  write(record: LogRecord): boolean;
  /** After the last record. */
  end(): Promise<void>;
}

const MOST_SHOWN = 300;
const COLUMNS = [
  ["partition", "INTEGER"],
  ["offset", "BIGINT"],
  ["received_at", "TIMESTAMP"],
  ["key", "VARCHAR"],
  ["source", "VARCHAR"],
  ["kind", "VARCHAR"],
  ["headers", "VARCHAR"],
  ["value", "VARCHAR"],
] as const;

export function tailOutput(format: TailFormat, settings: Settings): TailOutput {
  switch (format) {
    case "text":
      return lines(textLine);
    case "json":
      return lines(jsonLine);
    case "csv":
      return csvLines();
    case "parquet":
      return parquetFile(settings);
  }
}

function lines(show: (record: LogRecord) => string): TailOutput {
  return { write: (record) => printLine(show(record)), end: () => Promise.resolve() };
}

/** The header comes with the first record. */
function csvLines(): TailOutput {
  const columns = COLUMNS.map(([name, type]) => ({ name, type }));
  let begun = false;
  return {
    write(record) {
      const text = csvText({ columns, rows: [cellsOf(record)], truncated: false, elapsed_ms: 0 }, "\n")
        .trimEnd();
      const isWanted = printLine(begun ? text.slice(text.indexOf("\n") + 1) : text);
      begun = true;
      return isWanted;
    },
    end: () => Promise.resolve(),
  };
}

function parquetFile(settings: Settings): TailOutput {
  const rows: unknown[][] = [];
  return {
    write: (record) => rows.push(cellsOf(record)) > 0,
    end: async () => await writeOut(await parquetBytes(settings, { columns: COLUMNS, rows })),
  };
}

/** A value that is no text is shown as base64, as the raw table does. */
function cellsOf({ partition, offset, received_at, key, headers, value }: LogRecord): unknown[] {
  const text = value === null ? null : decodeUtf8(value) ?? value.toBase64();
  const { source = null, kind = null } = headers;
  return [partition, offset, timeText(received_at), key, source, kind, JSON.stringify(headers), text];
}

function jsonLine(record: LogRecord): string {
  const { partition, offset, received_at, key, headers, value } = record;
  const text = value === null ? null : decodeUtf8(value);
  const body = value === null || text !== null ? { value: parsed(text) } : { value_base64: value.toBase64() };
  return JSON.stringify({ partition, offset, received_at: timeText(received_at), key, headers, ...body });
}

/** JSON as it is, anything else as text. */
function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function textLine({ partition, offset, received_at, headers, value }: LogRecord): string {
  const text = value === null ? "(null)" : decodeUtf8(value) ?? `(${value.length} bytes that are no text)`;
  const shown = visible(text);
  const cut = shown.length > MOST_SHOWN ? `${shown.slice(0, MOST_SHOWN)}…` : shown;
  const place = `${partition}/${offset}`.padEnd(12);
  const from = `${visible(headers.source ?? "?")} ${visible(headers.kind ?? "?")}`.padEnd(24);
  return `${timeText(received_at)}  ${place} ${from} ${cut}`;
}

function timeText(time_ms: number): string {
  return new Date(time_ms).toISOString();
}

/** No value moves the cursor or reverses the line. */
function visible(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
