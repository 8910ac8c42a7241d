/** Gives a result away as a file, as it is seen: filtered and sorted. CSV is safe for spreadsheets. */
import { arrowOf, parquetOf } from "../engine/row_files.ts";
import type { Rows } from "../engine/result.ts";
import type { EngineSession } from "../engine/session.ts";
import { jsonOf } from "../engine/values.ts";
import { csvText, ndjsonText } from "../../lib/query/format.ts";

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
  /** Numbers of the rows to export, in their order; null for all as they came. */
  order: Uint32Array | null;
  session: EngineSession;
}

export async function exportRows(source: ExportSource, format: ExportFormat, name: string): Promise<void> {
  const extension = format === "json" ? "ndjson" : format;
  download(
    new Blob(await partsOf(source, format), { type: TYPES[format] }),
    `${fileName(name)}.${extension}`,
  );
}

async function partsOf(source: ExportSource, format: ExportFormat): Promise<BlobPart[]> {
  const { rows, order, session } = source;
  switch (format) {
    case "parquet":
      return [await parquetOf(session, rows, order)];
    case "arrow":
      return [await arrowOf(session, rows, order)];
    case "csv":
    case "json":
      return await textParts(rows, order, format);
  }
}

async function textParts(rows: Rows, order: Uint32Array | null, format: "csv" | "json"): Promise<string[]> {
  const parts: string[] = [];
  const count = order?.length ?? rows.rowCount;
  for (let from = 0; from === 0 || from < count; from += ROWS_A_PART) {
    const part = {
      columns: rows.columns,
      rows: jsonRows(rows, order, { from, to: Math.min(from + ROWS_A_PART, count) }),
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

function jsonRows(
  rows: Rows,
  order: Uint32Array | null,
  { from, to }: { from: number; to: number },
): unknown[][] {
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => {
    const row = order ? order[from + at] : from + at;
    return rows.columns.map((_, column) => jsonOf(rows.cell(row, column)));
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
