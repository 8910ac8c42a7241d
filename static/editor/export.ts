/** Gives a result away as a file: CSV (safe for spreadsheets), JSON lines, Arrow from the rows, Parquet from the engine. */
import { arrowStream } from "../engine/arrow.ts";
import { Result, type Rows } from "../engine/result.ts";
import type { EngineSession } from "../engine/session.ts";
import { type Cell, cellText } from "../engine/values.ts";
import { csvText, ndjsonText } from "../../lib/query/format.ts";
import { quoteText } from "../sql/names.ts";

export type ExportFormat = "csv" | "json" | "parquet" | "arrow";
const ROWS_A_PART = 20_000;
const TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv;charset=utf-8",
  json: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.stream",
};

export interface ExportSource {
  rows: Rows;
  /** The statement that gave the rows: Parquet is written by the engine, which runs it once more. */
  sql: string;
  session: EngineSession;
}

export async function exportRows(source: ExportSource, format: ExportFormat, name: string): Promise<void> {
  const parts = format === "parquet"
    ? [await parquetBytes(source)]
    : format === "arrow"
    ? [await arrowBytes(source.rows)]
    : await textParts(source.rows, format);
  download(
    new Blob(parts, { type: TYPES[format] }),
    `${fileName(name)}.${format === "json" ? "ndjson" : format}`,
  );
}

async function textParts(rows: Rows, format: "csv" | "json"): Promise<string[]> {
  const parts: string[] = [];
  for (let from = 0; from === 0 || from < rows.rowCount; from += ROWS_A_PART) {
    const part = {
      columns: rows.columns,
      rows: jsonRows(rows, from, from + ROWS_A_PART),
      truncated: false,
      elapsed_ms: 0,
    };
    const text = format === "csv" ? csvText(part) : ndjsonText(part);
    parts.push(format === "csv" && from > 0 ? withoutFirstLine(text, csvText({ ...part, rows: [] })) : text);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return parts;
}

function withoutFirstLine(text: string, header: string): string {
  return text.slice(header.length);
}

function jsonRows(rows: Rows, from: number, to: number): unknown[][] {
  const count = Math.max(0, Math.min(to, rows.rowCount) - from);
  return Array.from(
    { length: count },
    (_, at) => rows.columns.map((_, column) => jsonOf(rows.cell(from + at, column))),
  );
}

/** A cell as JSON has it; whole numbers beyond 2^53 stay exact as text. */
export function jsonOf(cell: Cell): unknown {
  if (typeof cell === "bigint") return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell);
  if (cell instanceof Uint8Array) return cellText(cell);
  if (Array.isArray(cell)) return cell.map(jsonOf);
  if (typeof cell === "object" && cell !== null) {
    return Object.fromEntries(
      cell.entries.map(([key, value]) => [key === null ? "null" : cellText(key), jsonOf(value)]),
    );
  }
  return cell;
}

async function arrowBytes(rows: Rows): Promise<Uint8Array<ArrayBuffer>> {
  if (!(rows instanceof Result)) {
    throw new Error("Cannot export Arrow: the rows came from the server, run the query here");
  }
  return new Uint8Array(await arrowStream(rows.schema, rows.batches));
}

async function parquetBytes({ session, sql }: ExportSource): Promise<Uint8Array<ArrayBuffer>> {
  const file = `export-${Date.now()}.parquet`;
  return await session.exclusive(async () => {
    await session.run(`COPY (${sql}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`);
    const engine = await session.engine();
    const bytes = new Uint8Array(await engine.readFile(file));
    await engine.dropFile(file);
    return bytes;
  });
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function fileName(title: string): string {
  return title.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 60) || "result";
}
