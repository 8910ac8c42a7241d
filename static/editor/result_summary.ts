/** One line about a run: rows, whether they were cut, time, and what was read for them. Pure. */
import { bytes, count, milliseconds, plural } from "../shared/format.ts";
import type { Outcome } from "./query_run.ts";

export function summaryOf({ result, prepared, elapsed_ms }: Outcome): string {
  const rows = result?.truncated
    ? `first ${plural(result.rowCount, "row")} (truncated)`
    : plural(result?.rowCount ?? 0, "row");
  const parts = [result ? rows : "Done", milliseconds(elapsed_ms)];
  if (!prepared) parts.push("on the server");
  else if (prepared.files + prepared.pruned_files > 0) {
    const pruned = prepared.pruned_files > 0 ? ` (${count(prepared.pruned_files)} pruned)` : "";
    parts.push(`${bytes(prepared.fetched_bytes)} fetched`, plural(prepared.files, "file") + pruned);
  }
  return parts.join(" · ");
}
