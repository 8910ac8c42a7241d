/** Rows that the server's engine computed: the answer of `POST /api/query`, read like rows of our own. */
import { send } from "../shared/api.ts";
import type { ResultColumn, Rows } from "./result.ts";
import { type Cell, cellText, type ColumnKind, shortestFloat } from "./values.ts";

interface Answer {
  columns: readonly { name: string; type: string }[];
  rows: readonly (readonly unknown[])[];
  truncated: boolean;
  elapsed_ms: number;
}

export class ServerRows implements Rows {
  readonly columns: readonly ResultColumn[];
  readonly rowCount: number;
  readonly truncated: boolean;

  constructor(readonly answer: Answer) {
    this.columns = answer.columns.map((column) => ({ ...column, kind: kindOfName(column.type) }));
    this.rowCount = answer.rows.length;
    this.truncated = answer.truncated;
  }

  cell(row: number, column: number): Cell {
    const value = this.answer.rows[row][column];
    const { kind, type } = this.columns[column];
    if (type === "FLOAT" && typeof value === "number") return shortestFloat(value);
    const scale = /^DECIMAL\(\d+,\s*(\d+)\)$/.exec(type)?.[1];
    if (scale && value !== null) return withScale(value, Number(scale));
    const text = kind === "time" && typeof value === "string";
    return text ? value.replace("T", " ").replace(/Z$/, "") : cellOf(value);
  }

  text(row: number, column: number): string | null {
    const cell = this.cell(row, column);
    return cell === null ? null : cellText(cell);
  }
}

/** Runs one statement on the server; rejects with ApiProblem. */
export async function runOnServer(
  sql: string,
  options: { as_of?: string | null; limit: number },
  signal: AbortSignal,
): Promise<ServerRows> {
  const body = { sql, limit: options.limit, ...(options.as_of ? { as_of: options.as_of } : {}) };
  const answer = await send<Answer>("POST", "/api/query", body, signal);
  if (!answer) throw new Error("Cannot read the server's answer: it is empty");
  return new ServerRows(answer);
}

/** A decimal that came as a number, or as text where that would lose digits, with all decimals that its type has. */
function withScale(value: unknown, scale: number): string {
  const text = typeof value === "number" && /e/.test(String(value)) ? value.toFixed(scale) : String(value);
  const [whole, fraction = ""] = text.split(".");
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, "0")}`;
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(cellOf);
  if (typeof value === "object") {
    return { entries: Object.entries(value).map(([key, inner]) => [key, cellOf(inner)]) };
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : String(value);
}

function kindOfName(type: string): ColumnKind {
  if (/\[\]$|^(STRUCT|MAP|LIST)/.test(type)) return "nested";
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|^DECIMAL|^DOUBLE|^FLOAT/.test(type)) return "number";
  if (/^(TIMESTAMP|DATE|TIME)/.test(type)) return "time";
  if (type === "BOOLEAN") return "boolean";
  return type === "BLOB" ? "binary" : "text";
}
