/**
 * Which functions untrusted SQL may call: table functions by a list of the allowed, scalar functions by a list of the
 * refused, because the former open files and the latter mostly compute.
 */

/** Make rows out of their arguments and of nothing else. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  "generate_series",
  "generate_subscripts",
  "json_each",
  "json_tree",
  "range",
  "regexp_split_to_table",
  "repeat",
  "repeat_row",
  "unnest",
]);

/** Read settings, the environment, the catalog's texts or the session; plan or run other SQL; leave a trace; or sleep. */
export const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  "currval",
  "current_connection_id",
  "current_query",
  "current_query_id",
  "current_setting",
  "current_transaction_id",
  "getenv",
  "getvariable",
  "json_execute_serialized_sql",
  "json_serialize_plan",
  "nextval",
  "parse_duckdb_log_message",
  "set_config",
  "setseed",
  "sleep_ms",
  "stats",
  "txid_current",
  "which_secret",
  "write_log",
]);

const REFUSED_PREFIX =
  /^(?:duckdb_|pragma_|read_|sniff_|glob|parquet_|pg_|inet_|has_.*_privilege$|query$|query_table$|sql_auto)/;
const HARMLESS_DESPITE_PREFIX = new Set(["pg_typeof", "pg_size_pretty"]);

/** Whether a scalar, aggregate or window function may be called. Names in any case. */
export function mayCall(name: string): boolean {
  const lower = name.toLowerCase();
  if (HARMLESS_DESPITE_PREFIX.has(lower)) return true;
  return !REFUSED_FUNCTIONS.has(lower) && !REFUSED_PREFIX.test(lower);
}

export function mayCallAsTable(name: string): boolean {
  return TABLE_FUNCTIONS.has(name.toLowerCase());
}
