/** From verified bytes to a record for the log: redacted where the source asks for it, keyed by what it is about. */
import type { UndecodableReason } from "../lib/event/json_text.ts";
import type { Kinds } from "../lib/event/kinds.ts";
import type { NewRecord } from "../lib/log/log.ts";
import { partitionOf } from "../lib/log/topics.ts";
import { describe } from "../lib/source/describe.ts";
import { withKind } from "../lib/source/record_headers.ts";
import type { Source } from "../lib/source/source.ts";
import type { Sources } from "../lib/source/sources.ts";

export interface RecordContext {
  sources(): Pick<Sources, "redactor">;
  kinds(): Kinds;
  partitions: number;
}

export interface Received {
  value: Uint8Array;
  /** `source, content_type, ...`; the kind is added. */
  headers: Readonly<Record<string, string>>;
  received_at: number;
}

export interface Described {
  record: NewRecord;
  event_id: string | null;
  key: string;
  rejected: UndecodableReason | null;
}

const MAX_KIND_CHARS = 200;

/** Nothing of what is redacted reaches the log, the key included: everything is told from the redacted bytes. */
export function recordOf(context: RecordContext, source: Source, received: Received): Described {
  const redacted = context.sources().redactor(source.name)?.(received.value) ?? null;
  const value = redacted?.value ?? received.value;
  const kept = redacted
    ? { ...received.headers, redacted: "true", sha256: redacted.sha256 }
    : received.headers;
  const { event_id, kind, partition_key, rejected } = describe(source, context.kinds(), kept, value);
  // Of bytes that may not be stored only their keyed hash is left to tell them apart.
  const key = redacted && rejected ? redacted.sha256 : partition_key;
  const headers = kind === null ? kept : withKind(kept, kind.slice(0, MAX_KIND_CHARS));
  const partition = partitionOf(key, context.partitions);
  return {
    record: { partition, key, value, headers, received_at: received.received_at },
    event_id,
    key,
    rejected,
  };
}
