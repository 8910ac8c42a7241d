/**
 * The port of a sender: how its requests prove themselves, and what its bodies mean.
 *
 *   request ── verify ──► bytes on the log ── interpret ──► an event of a kind | unmapped | malformed
 *              (the door)                     (the door for the key, later the judge for the row)
 *
 * `interpret` is a pure function of the verified body and of the few headers that are kept with it, so that a retry
 * gets the key, the id and the row of its first copy.
 */
import type { WebhookSecret } from "../setting_parts.ts";
import type { FieldFault } from "../errors.ts";
import type { JsonObject } from "../event/json_text.ts";
import type { Kinds } from "../event/kinds.ts";

export interface HookRequest {
  headers: Headers;
  /** The bytes as received; what was signed. */
  body: Uint8Array;
  now_ms: number;
}

/** A record as it stands on the log, its body decoded. */
export interface Message {
  /** The record's headers, names in lower case. */
  headers: Readonly<Record<string, string>>;
  bytes: Uint8Array;
  body: unknown;
  kinds: Kinds;
}

/** What a body says, before its kind has checked it. `event_id` is null when it gives no valid one. */
export type Meaning =
  | {
    meaning: "event";
    kind: string;
    event: JsonObject;
    /** What the mapping itself found wrong; it counts before what the kind says of the same field. */
    faults: readonly FieldFault[];
  }
  | { meaning: "unmapped"; type: string | null; event_id: string | null }
  | { meaning: "unknown_kind"; type: string | null; event_id: string | null }
  | { meaning: "malformed"; type: string | null; event_id: string | null; faults: readonly FieldFault[] };

export interface Source {
  readonly name: string;
  /** The sender whose ways this one of `sources.yaml` shares; told by its records, so that a replay needs no file. */
  readonly like?: string;
  /** Largest body that the door takes. */
  readonly limit_bytes: number;
  /** A webhook's id is remembered for days, that of an own system's event for an hour. */
  readonly trust: "webhook" | "token";
  /** Whether bodies are mapped to events, so that copies are equal when their mapped rows are. */
  readonly is_mapped: boolean;
  /** Request headers that are stored with the record, in lower case; never a signature, Authorization or Cookie. */
  readonly kept_headers: readonly string[];
  /**
   * Whether the request was signed with one of `secrets` within the last five minutes (where the sender signs a time).
   * Never throws, whatever the headers hold, and takes the same time wherever a signature differs.
   */
  verify(request: HookRequest, secrets: readonly WebhookSecret[]): boolean;
  /** Why `secret` can never verify anything, or null when it may. */
  secretFault(secret: string): string | null;
  interpret(message: Message): Meaning;
  /** A body such as this sender sends, for trying things out; `id` makes it unlike any other. */
  sample(id: string, now_ms: number): SampleRequest;
  /** The headers that prove `body`; null for sources that sign nothing. */
  sign(body: Uint8Array, signing: Signing): Readonly<Record<string, string>> | null;
}

export interface SampleRequest {
  body: JsonObject;
  /** Headers that say what the body is, signatures left out. */
  headers: Readonly<Record<string, string>>;
}

export interface Signing {
  secret: string;
  now_ms: number;
  /** Of the request, for senders that sign one. */
  id: string;
}
