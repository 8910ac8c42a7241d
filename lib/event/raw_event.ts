/** The rows of `raw.events`: one for every record of the log, control records too, with its bytes and its outcome. */
import type { LogRecord } from "../log/log.ts";
import type { Cell, Column, Row } from "./column.ts";
import { sha256Hex } from "./content_hash.ts";
import { KAFKA_SOURCE, LARGEST_BODY_BYTES, sha256OfBytes } from "./judge.ts";
import type { Judgement, Outcome } from "./judgement.ts";
import { decodeUtf8 } from "./json_text.ts";
import { timestampCell } from "./timestamp.ts";

export const RAW_EVENTS = "raw.events";

export const RAW_EVENT_COLUMNS: readonly Column[] = [
  {
    name: "source",
    type: "string",
    doc: "The configured sender, the name of the ingest token, or millrace for control records.",
  },
  {
    name: "kind",
    type: "string",
    doc: "The kind after mapping, else the sender's own type; null when the body names none.",
  },
  { name: "log_partition", type: "int", doc: "Partition of the log that holds the record." },
  { name: "log_offset", type: "long", doc: "Offset of the record in its partition." },
  { name: "received_at", type: "timestamp", doc: "When the bytes arrived, in UTC." },
  {
    name: "event_id",
    type: "string",
    doc: "The sender's id of the event; null when the body gives no valid one.",
  },
  { name: "content_type", type: "string", doc: "Content type of the request." },
  {
    name: "headers",
    type: { map: "string" },
    doc: "Request headers of an allow-list, names in lower case; never credentials or signatures.",
  },
  {
    name: "body",
    type: "string",
    doc: "The bytes as received, as text or in base64; null when another program wrote none.",
  },
  { name: "body_encoding", type: "string", doc: "How body is written: utf8 or base64." },
  {
    name: "sha256",
    type: "string",
    doc: "64 hex digits: the hash of the bytes as received, keyed where the source redacts.",
  },
  {
    name: "redacted",
    type: "boolean",
    doc: "Whether values were replaced by keyed tokens before anything was stored.",
  },
  {
    name: "replay_of",
    type: "string",
    doc: "The dead letter, or the place (partition/offset) of the record, that this one replays; else null.",
  },
  {
    name: "outcome",
    type: "string",
    doc: "What became of it: row, duplicate, dead_letter, unmapped, or control.",
  },
];

/** Record headers that have columns of their own, or are a matter between us. */
const OWN_HEADERS = new Set([
  "source",
  "kind",
  "content_type",
  "received_at",
  "replay_of",
  "attempts",
  "redacted",
  "sha256",
]);

/** Request headers that may be stored; the sources' own lists are part of this one, and so are `ce-` attributes. */
const STORED_HEADERS = new Set([
  "webhook-id",
  "webhook-timestamp",
  "svix-id",
  "svix-timestamp",
  "revolut-request-timestamp",
  "x-github-delivery",
  "x-github-event",
  "x-github-hook-id",
  "x-shopify-webhook-id",
  "x-shopify-event-id",
  "x-shopify-topic",
  "x-shopify-shop-domain",
  "x-shopify-api-version",
  "x-shopify-triggered-at",
]);

/** Whether a header of a request may stand on the log and in the raw table. */
export function isStoredHeader(name: string): boolean {
  return STORED_HEADERS.has(name) || /^ce-[a-z0-9]{1,20}$/.test(name);
}

/** The raw row of a record; without a judgement it is a control record. */
export function rawRow(record: LogRecord, judgement: Judgement | null, outcome: Outcome): Row {
  const { headers, value } = record;
  return {
    source: headers.source ?? KAFKA_SOURCE,
    kind: judgement === null ? headers.kind ?? null : judgement.kind,
    log_partition: record.partition,
    log_offset: record.offset,
    received_at: timestampCell(record.received_at),
    event_id: judgement?.event_id ?? null,
    content_type: headers.content_type ?? null,
    headers: storedHeaders(headers),
    ...(judgement?.verdict === "row" ? { body: judgement.text, body_encoding: "utf8" } : bodyCells(value)),
    sha256: givenHash(headers.sha256) ?? sha256OfBytes(judgement) ?? sha256Hex(value ?? new Uint8Array()),
    redacted: headers.redacted === "true",
    replay_of: headers.replay_of ?? null,
    outcome,
  };
}

/** What the door computed of bytes that were redacted afterwards; other programs may write what they like. */
function givenHash(header: string | undefined): string | null {
  return header !== undefined && /^[0-9a-f]{64}$/.test(header) ? header : null;
}

/** A longer text may hold none of the characters that JSON writes as six, or its row could not be read again. */
const LONGEST_ESCAPED_BYTES = LARGEST_BODY_BYTES / 2;
// deno-lint-ignore no-control-regex
const ESCAPED_AS_SIX = /[\x00-\x07\x0b\x0e-\x1f]/;

/** A body as text where it is UTF-8, else in base64; null where it is too large to be kept. */
export function bodyCells(
  value: Uint8Array | null,
): { body: string | null; body_encoding: "utf8" | "base64" } {
  if (value === null || value.length > LARGEST_BODY_BYTES) return { body: null, body_encoding: "utf8" };
  const text = decodeUtf8(value);
  if (text !== null && !(value.length > LONGEST_ESCAPED_BYTES && ESCAPED_AS_SIX.test(text))) {
    return { body: text, body_encoding: "utf8" };
  }
  return { body: base64(value), body_encoding: "base64" };
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 32_768) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  }
  return btoa(binary);
}

function storedHeaders(headers: Readonly<Record<string, string>>): Cell {
  const stored: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    if (!OWN_HEADERS.has(name) && isStoredHeader(name)) stored[name] = headers[name];
  }
  return stored;
}
