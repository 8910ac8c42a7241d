/**
 * A result as the record of its topic: its row as JSON. A row that is larger than a record may be, for what makes it can be
 * as large as a body and grows when it is escaped, is told in a short form: the table has it whole, and what a row says
 * decides about its form, so that a replay sends the same.
 */
import type { NewRecord } from "../log/log.ts";
import { MAX_RECORD_BYTES } from "../log/log_limits.ts";
import { CONTROL_SOURCE } from "./control_record.ts";

export interface Result {
  partition: number;
  id: string;
  table: string;
  /** The row as JSON. */
  text: string;
  received_at: number;
}

/** Key and headers of a record beside its value, with room to spare. */
const BESIDE_BYTES = 64 * 1024;
const MAX_RESULT_BYTES = MAX_RECORD_BYTES - BESIDE_BYTES;
/** Of a short form: no text is longer, and no list. */
const SHORT_CHARACTERS = 1_000;
const SHORT_ENTRIES = 20;

const encoder = new TextEncoder();

export function resultRecord({ partition, id, table, text, received_at }: Result): NewRecord {
  const headers = { source: CONTROL_SOURCE, kind: table, id, content_type: "application/json" };
  const record = { partition, key: id, headers, received_at };
  const whole = encoder.encode(text);
  if (whole.length <= MAX_RESULT_BYTES) return { ...record, value: whole };
  const value = encoder.encode(JSON.stringify(shortForm(JSON.parse(text))));
  return { ...record, value, headers: { ...headers, cut: "true" } };
}

function shortForm(cell: unknown): unknown {
  if (typeof cell === "string" && cell.length > SHORT_CHARACTERS) {
    return `${cell.slice(0, SHORT_CHARACTERS)}…`;
  }
  if (Array.isArray(cell)) return cell.slice(0, SHORT_ENTRIES).map(shortForm);
  if (typeof cell !== "object" || cell === null) return cell;
  return Object.fromEntries(Object.entries(cell).map(([name, inner]) => [name, shortForm(inner)]));
}
