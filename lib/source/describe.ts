/** What the door must know of a body before it stands on the log: its id, its kind, its partition key. */
import { sha256Hex } from "../event/content_hash.ts";
import { decodeJson, type UndecodableReason } from "../event/json_text.ts";
import type { Kinds } from "../event/kinds.ts";
import { isId } from "../event/field.ts";
import type { Source } from "./source.ts";

export interface Description {
  /** Null when the body gives no valid one. */
  event_id: string | null;
  /** The kind after mapping, else the sender's type; null when the body names none. */
  kind: string | null;
  /** The partition field's value, else the event_id, else the hash of the bytes. */
  partition_key: string;
  /** Why it is known already to be a dead letter; null for all that the judge decides. */
  rejected: UndecodableReason | null;
}

/** Describes verified bytes; `headers` are those of the record to be. */
export function describe(
  source: Source,
  kinds: Kinds,
  headers: Readonly<Record<string, string>>,
  bytes: Uint8Array,
): Description {
  const decoded = decodeJson(bytes);
  if (!decoded.ok) {
    const { reason } = decoded;
    return { event_id: null, kind: headers.kind ?? null, partition_key: sha256Hex(bytes), rejected: reason };
  }
  const meaning = source.interpret({ headers, bytes, body: decoded.value, kinds });
  if (meaning.meaning === "event") {
    const event_id = isId(meaning.event.event_id) ? meaning.event.event_id : null;
    const key = kinds.get(meaning.kind)?.partitionKey(meaning.event) ?? sha256Hex(bytes);
    return { event_id, kind: meaning.kind, partition_key: key, rejected: null };
  }
  const { event_id, type } = meaning;
  return { event_id, kind: type, partition_key: event_id ?? sha256Hex(bytes), rejected: null };
}
