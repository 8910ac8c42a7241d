/** DuckDB's errors (as JSON, by `errors_as_json`) in the words of the query port. */
import { Fault, messageOf } from "../errors.ts";
import { queryFault } from "./guard.ts";

interface EngineError {
  exception_type?: string;
  exception_message?: string;
  position?: string;
}

const REFUSED = new Set(["Permission", "Missing Extension", "Autoload", "Not implemented"]);
const THE_ENGINES = new Set([
  "IO",
  "Internal",
  "FATAL",
  "HTTP",
  "Network",
  "Serialization",
  "TransactionContext",
]);
const MEMORY = /out of memory|failed to allocate|could not allocate|max_temp_directory_size|bad_alloc/i;

/**
 * The Fault of whatever the engine threw at `sql`: the statement's own ("syntax", "refused", "limit"), blame "sender";
 * a file that is gone is worth another try with a fresh list of files; anything else is the engine's.
 */
export function faultOfEngine(sql: string, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const error = readError(messageOf(thrown));
  const reason = error.exception_message ?? messageOf(thrown);
  const type = error.exception_type ?? "";
  if (type === "INTERRUPT" || type === "Interrupt") {
    return new Fault("timeout", "Cannot finish the query: it was interrupted", {
      blame: "sender",
      retry: "never",
    });
  }
  if (type === "Out of Memory" || MEMORY.test(reason)) {
    return new Fault("limit", `Cannot finish the query: it needs too much memory (${firstLine(reason)})`, {
      blame: "sender",
      retry: "never",
    });
  }
  if (THE_ENGINES.has(type) || type === "") {
    const retry = type === "IO" ? "after_refresh" : "after_backoff";
    return new Fault("engine", `Cannot finish the query: ${firstLine(reason)}`, {
      blame: "dependency",
      retry,
      cause: thrown,
    });
  }
  const byte = error.position === undefined ? undefined : Number(error.position);
  return queryFault(sql, { code: REFUSED.has(type) ? "refused" : "syntax", reason, byte });
}

function readError(message: string): EngineError {
  const start = message.indexOf("{");
  if (start < 0) return {};
  try {
    return JSON.parse(message.slice(start)) as EngineError;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0];
}
