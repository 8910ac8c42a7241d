/** Why a query may not run, and how that becomes a Fault with a place in its text. */
import { Fault } from "../errors.ts";
import { offsetOfByte, placeOf } from "./sql_text.ts";

/** Why a statement may not run; `byte` is the place in the judged text, where one is known. */
export interface Refusal {
  code: "syntax" | "refused" | "limit";
  reason: string;
  byte?: number;
}

/** A query's Fault, with line and column in `fields` where the place is known. `base` is added to the place. */
export function queryFault(sql: string, refusal: Refusal, base = 0): Fault {
  const place = refusal.byte === undefined
    ? null
    : placeOf(sql, base + offsetOfByte(sql.slice(base), refusal.byte));
  const fields = place === null ? [] : [
    { field: "line", code: "at", actual: String(place.line) },
    { field: "column", code: "at", actual: String(place.column) },
  ];
  const reason = refusal.code === "limit" ? refusal.reason.split("\n", 1)[0] : refusal.reason;
  return new Fault(refusal.code, `Cannot run the query: ${reason}`, {
    blame: "sender",
    retry: "never",
    fields,
  });
}

const LIMITS = new RegExp(
  [
    ...["out of memory", "failed to allocate", "could not allocate", "max_temp_directory_size", "bad_alloc"],
    ...["maximum supported string size", "larger than 2\\^32", "memory exhausted", "max expression depth"],
  ].join("|"),
  "i",
);

/** Whether the engine's words mean that one of its own bounds was met. */
export function meansLimit(reason: string): boolean {
  return LIMITS.test(reason);
}

/** The Fault of an answer that cannot be given whole. */
export function tooLarge(): Fault {
  return new Fault("limit", "Cannot deliver the answer: it is too large; ask for fewer rows or columns", {
    blame: "sender",
    retry: "never",
  });
}
