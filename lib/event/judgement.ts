/** What `judge` says of one record before duplicates are looked for (EVENTS.md sections 1 to 3). */
import type { FieldFault } from "../errors.ts";
import type { Row } from "./column.ts";

export type Outcome = "row" | "duplicate" | "dead_letter" | "unmapped" | "control";

export type DeadReason =
  | "undecodable"
  | "too_deep"
  | "unknown_kind"
  | "schema"
  | "future_timestamp"
  | "id_conflict"
  | "rule_failed";

/** A typed row on its way: its cells and what the stream needs without parsing them again. */
export interface TypedEvent {
  kind: string;
  event_id: string;
  /** Milliseconds since 1970 (whole), and the microseconds below it (0..999). */
  event_time_ms: number;
  event_time_sub_us: number;
  /** The kind's own columns, in normal form; the common columns are added by the partition's owner. */
  cells: Row;
}

export type Judgement =
  | { verdict: "row"; kind: string; event_id: string; event: TypedEvent; content: string; text: string }
  | {
    verdict: "dead_letter";
    reason: DeadReason;
    errors: readonly FieldFault[];
    kind: string | null;
    event_id: string | null;
  }
  | { verdict: "unmapped"; kind: string | null; event_id: string | null };
// `content` is what makes two records of one id equal: the sha256 of the bytes, or for mapped senders a hash of the
// mapped row (Stripe changes `pending_webhooks` between retries). `text` is the body, decoded once for all who keep it.
