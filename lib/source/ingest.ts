/**
 * Takes the body of `/ingest` apart into records: exact slices of the request, never re-serialised.
 *
 *   application/json      {...}             one record, the whole body
 *                         [ {...}, 5 ]      one record an element, without the blanks around it
 *                         [ {...            no JSON: one undecodable record with the whole body
 *   application/x-ndjson  {...}\r\n{...}    one record a line, without LF and CRLF; blank lines are skipped
 *
 * The budget is one JSON.parse an event. Lines are decoded together where the whole body is UTF-8.
 */
import { sha256Hex } from "../event/content_hash.ts";
import { isId } from "../event/field.ts";
import {
  decodeJson,
  decodeUtf8,
  isJsonObject,
  MAX_DEPTH,
  mayHoldLoneSurrogate,
  parsePlainly,
  type UndecodableReason,
  withoutDepths,
} from "../event/json_text.ts";
import type { Kind } from "../event/kind.ts";

export interface IngestRecord {
  value: Uint8Array;
  partition_key: string;
  /** Null when the body gives no valid one. */
  event_id: string | null;
  /** Why it is known already to be a dead letter; null for all that the judge decides. */
  rejected: UndecodableReason | null;
}

export type Split = { ok: true; records: IngestRecord[] } | { ok: false; reason: "too_many" };

export interface SplitOptions {
  format: "json" | "ndjson";
  /** Null for `/ingest/event`, which takes any object. */
  kind: Kind | null;
  max_events: number;
}

const LF = 0x0a;
const CR = 0x0d;

export function splitIngest(body: Uint8Array, options: SplitOptions): Split {
  return options.format === "ndjson" ? splitLines(body, options) : splitJson(body, options);
}

function splitLines(body: Uint8Array, { kind, max_events }: SplitOptions): Split {
  const records: IngestRecord[] = [];
  for (const { value, text } of linesOf(body)) {
    if (isBlank(value)) continue;
    if (records.length === max_events) return { ok: false, reason: "too_many" };
    // A trailing CR is a blank to the parser, and no part of the record.
    records.push(recordOf(value, text === null ? decodeJson(value) : parsePlainly(text), kind));
  }
  return { ok: true, records };
}

interface Line {
  /** Without LF and CRLF. */
  value: Uint8Array;
  /** Without LF; null when the body is not UTF-8. */
  text: string | null;
}

function* linesOf(body: Uint8Array): Generator<Line> {
  const whole = decodeUtf8(body);
  // In ASCII the n-th character is the n-th byte, and lines are found much faster in text.
  const isAscii = whole?.length === body.length;
  let text_at = 0;
  for (let at = 0; at < body.length;) {
    const text = whole === null ? null : textLine(whole, text_at);
    const end = isAscii ? at + text!.length : byteLineEnd(body, at);
    yield { value: body.subarray(at, end > at && body[end - 1] === CR ? end - 1 : end), text };
    at = end + 1;
    text_at += (text?.length ?? 0) + 1;
  }
}

function textLine(text: string, from: number): string {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.slice(from) : text.slice(from, end);
}

function byteLineEnd(body: Uint8Array, from: number): number {
  const end = body.indexOf(LF, from);
  return end < 0 ? body.length : end;
}

function isBlank(bytes: Uint8Array): boolean {
  // A loop of our own: nearly every line is known by its first byte.
  for (let at = 0; at < bytes.length; at++) if (!isBlankByte(bytes[at])) return false;
  return true;
}

function isBlankByte(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CR || byte === LF;
}

function splitJson(body: Uint8Array, { kind, max_events }: SplitOptions): Split {
  const start = body.findIndex((byte) => !isBlankByte(byte));
  if (start < 0) return { ok: true, records: [] };
  if (body[start] !== 0x5b) return { ok: true, records: [recordOf(body, decodeJson(body), kind)] };
  const array = parseArray(body);
  if (array === null) {
    return { ok: true, records: [recordOf(body, { ok: false, reason: "undecodable" }, kind)] };
  }
  if (array.values.length > max_events) return { ok: false, reason: "too_many" };
  const records = elementSlices(body, start).map(({ value, depth }, index) => {
    // Only what the text makes suspicious is looked at alone.
    const plain = depth <= MAX_DEPTH && !array.may_hold_lone_surrogate;
    return recordOf(value, plain ? { ok: true, value: array.values[index] } : decodeJson(value), kind);
  });
  return { ok: true, records };
}

interface ParsedArray {
  values: readonly unknown[];
  may_hold_lone_surrogate: boolean;
}

/**
 * The elements of a body that is one JSON array, or null; what is wrong inside an element is its own matter. Elements
 * that are too deep are judged by their bytes, so here they need not be parsed, which would take seconds.
 */
function parseArray(body: Uint8Array): ParsedArray | null {
  const text = decodeUtf8(body);
  if (text === null) return null;
  try {
    const values: unknown = JSON.parse(withoutDepths(text, MAX_DEPTH + 1));
    return Array.isArray(values) ? { values, may_hold_lone_surrogate: mayHoldLoneSurrogate(text) } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The bytes of each element of a valid array that opens at `start`, and how deep it nests. */
function elementSlices(body: Uint8Array, start: number): { value: Uint8Array; depth: number }[] {
  const slices: { value: Uint8Array; depth: number }[] = [];
  let [level, depth, first, last] = [0, 0, -1, -1];
  for (let at = start + 1; at < body.length; at++) {
    const byte = body[at];
    if (isBlankByte(byte)) continue;
    if (level === 0 && (byte === 0x2c || byte === 0x5d)) {
      if (first >= 0) slices.push({ value: body.subarray(first, last + 1), depth });
      if (byte === 0x5d) break;
      [depth, first] = [0, -1];
      continue;
    }
    if (first < 0) first = at;
    if (byte === 0x22) at = closingQuote(body, at);
    else if (byte === 0x7b || byte === 0x5b) depth = Math.max(depth, ++level);
    else if (byte === 0x7d || byte === 0x5d) level--;
    last = at;
  }
  return slices;
}

function closingQuote(body: Uint8Array, at: number): number {
  for (at++; body[at] !== 0x22; at++) if (body[at] === 0x5c) at++;
  return at;
}

function recordOf(
  value: Uint8Array,
  decoded: { ok: true; value: unknown } | { ok: false; reason: UndecodableReason },
  kind: Kind | null,
): IngestRecord {
  if (!decoded.ok) {
    return { value, partition_key: sha256Hex(value), event_id: null, rejected: decoded.reason };
  }
  const body = decoded.value;
  const event_id = isJsonObject(body) && isId(body.event_id) ? body.event_id : null;
  const key = kind === null ? event_id : kind.partitionKey(body);
  return { value, partition_key: key ?? sha256Hex(value), event_id, rejected: null };
}
