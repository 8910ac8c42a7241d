/** DuckDB's errors (as JSON, by `errors_as_json`) in the words of the query port. */
import { Fault, messageOf } from "../errors.ts";
import { meansLimit, queryFault } from "./refusal.ts";

interface EngineError {
  exception_type?: string;
  exception_message?: string;
  position?: string;
}

const REFUSED = new Set(["Permission", "Missing Extension", "Autoload"]);
const THE_ENGINES = new Set([
  "IO",
  "Internal",
  "Invalid",
  "FATAL",
  "HTTP",
  "Network",
  "Serialization",
  "TransactionContext",
]);

/** The engine calls that invalid input; but no asker brings a file. */
const DAMAGED = /^(?:Failed to read file|No magic bytes found|File '.*' too small to be a Parquet file)/;

/**
 * The Fault of whatever the engine threw at `sql`: the statement's own ("syntax", "refused", "limit"), blame "sender";
 * a file that is gone is worth another try with a fresh list of files; anything else is the engine's.
 */
export function faultOfEngine(sql: string, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const error = readError(messageOf(thrown));
  const reason = error.exception_message ?? messageOf(thrown);
  const type = error.exception_type ?? "";
  if (type.toUpperCase() === "INTERRUPT") {
    return new Fault("timeout", "Cannot finish the query: it was interrupted", {
      blame: "sender",
      retry: "never",
    });
  }
  const byte = error.position === undefined ? undefined : Number(error.position);
  if (type === "Out of Memory" || meansLimit(reason)) return queryFault(sql, { code: "limit", reason, byte });
  if (THE_ENGINES.has(type) || type === "" || DAMAGED.test(reason)) {
    return new Fault("engine", `Cannot finish the query: ${reason.split("\n", 1)[0]}`, {
      blame: "dependency",
      retry: type === "IO" ? "after_refresh" : "after_backoff",
      cause: thrown,
    });
  }
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
