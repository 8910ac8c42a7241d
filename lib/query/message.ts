/** What the server and its query processes say to each other. */
import type { Blame, FieldFault, Retry } from "../errors.ts";
import { Fault } from "../errors.ts";
import type { QueryColumn, QueryRequest } from "./engine.ts";

/** Bounds of a query process, told once after its start. */
export interface SessionLimits {
  /** Folders below which every data file lies. */
  allowed_directories: readonly string[];
  /** The process's own folder for what does not fit into memory. */
  temp_directory: string;
  max_temp_bytes: number;
  /** Of DuckDB's buffers. */
  buffer_bytes: number;
  /** Of the whole process: it ends itself beyond. */
  process_bytes: number;
  /** Of one answer in JSON. */
  answer_bytes: number;
  threads: number;
}

export type ToChild =
  | { open: SessionLimits }
  | { run: QueryRequest; parquet_path?: string }
  | { interrupt: true };

export type FromChild =
  | { ready: true }
  | { columns: readonly QueryColumn[] }
  | { rows: readonly (readonly unknown[])[] }
  | { done: { truncated: boolean } } & Ended
  | { fault: PlainFault } & Ended;

interface Ended {
  /** Of the process, with what the query left there. */
  resident_bytes: number;
}

/** How a process ends itself when it outgrows `process_bytes`. */
export const OVER_MEMORY_EXIT = 97;

export interface PlainFault {
  code: string;
  message: string;
  blame: Blame;
  retry: Retry;
  fields: readonly FieldFault[];
}

export function plainFault(fault: Fault): PlainFault {
  const { code, message, blame, retry, fields } = fault;
  return { code, message, blame, retry, fields };
}

export function faultOf(plain: PlainFault): Fault {
  return new Fault(plain.code, plain.message, plain);
}
