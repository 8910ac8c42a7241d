/**
 * CloudEvents 1.0 over HTTP: proven by an ingest token, in any of the three modes.
 *
 *   binary       attributes in `ce-*` headers, the body is the data
 *   structured   application/cloudevents+json         one object holds attributes and data
 *   batch        application/cloudevents-batch+json   an array of those; each element is a record
 */
import { type FieldFault } from "../errors.ts";
import { fieldFault, isId } from "../event/field.ts";
import { decodeJson, isJsonObject, type JsonObject, ownValue } from "../event/json_text.ts";
import { bodyFault } from "../event/kind.ts";
import { meaningOfEnvelope, textFault } from "./enveloped.ts";
import { splitIngest } from "./ingest.ts";
import type { Meaning, Message, Source } from "./source.ts";
import { strictBase64 } from "./signature.ts";

const STRUCTURED = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";
const MAX_ATTRIBUTES = 40;

export const cloudEvents: Source = {
  name: "cloud_events",
  limit_bytes: 5_242_880,
  trust: "webhook",
  is_mapped: true,
  kept_headers: [],
  verify: () => false,
  secretFault: () => "belongs to a source that signs nothing",

  interpret({ headers, body, kinds }: Message): Meaning {
    if (!isStructured(headers)) return meaningOf(attributesOf(headers), body, kinds);
    if (!isJsonObject(body)) {
      return { meaning: "malformed", type: null, event_id: null, faults: [bodyFault(body)] };
    }
    return meaningOf(body, dataOf(body), kinds);
  },

  sample(id, now_ms) {
    const data = { user_id: "user_sample", amount: "19.99", currency: "EUR", status: "completed" };
    const time = new Date(now_ms).toISOString();
    return {
      body: { specversion: "1.0", id: `evt_${id}`, source: "/sample", type: "shop.transaction", time, data },
      headers: { "content-type": STRUCTURED },
    };
  },

  sign: () => null,
};

function isStructured(headers: Readonly<Record<string, string>>): boolean {
  return mediaType(headers.content_type ?? "") === STRUCTURED || !("ce-specversion" in headers);
}

function mediaType(content_type: string): string {
  return content_type.split(";", 1)[0].trim().toLowerCase();
}

function meaningOf(attributes: JsonObject, data: unknown, kinds: Message["kinds"]): Meaning {
  const { type, id, time, specversion } = attributes;
  const event_id = isId(id) ? id : null;
  if (specversion !== "1.0") {
    const faults = [versionFault(specversion)];
    return { meaning: "malformed", type: typeof type === "string" ? type : null, event_id, faults };
  }
  return meaningOfEnvelope({ type, data, event_id, timestamp: time }, kinds);
}

function versionFault(specversion: unknown): FieldFault {
  return typeof specversion === "string" && specversion !== ""
    ? fieldFault("specversion", "invalid_enum", "1.0", specversion)
    : textFault("specversion", specversion);
}

/** The data of a structured event; `data_base64` holds JSON, or is as good as absent. */
function dataOf(event: JsonObject): unknown {
  const encoded = ownValue(event, "data_base64");
  if (typeof encoded !== "string") return ownValue(event, "data");
  const bytes = strictBase64(encoded);
  const decoded = bytes === null ? null : decodeJson(bytes);
  return decoded?.ok ? decoded.value : encoded;
}

/** The attributes of a binary event, their values unquoted and then percent-decoded, as the HTTP binding asks. */
function attributesOf(headers: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    Object.keys(headers).filter((name) => name.startsWith("ce-")).map((
      name,
    ) => [name.slice(3), percentDecoded(unquoted(headers[name]))]),
  );
}

/** Senders of earlier versions of the binding put values with spaces into quotes. */
function unquoted(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value);
  return quoted === null ? value : quoted[1].replaceAll(/\\(.)/g, "$1");
}

function percentDecoded(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return value;
    throw error;
  }
}

/** One CloudEvent of a request: its bytes, and the record headers that say how to read them. */
export interface CloudEventRecord {
  value: Uint8Array;
  headers: Readonly<Record<string, string>>;
}

export type CloudEventSplit =
  | { ok: true; records: CloudEventRecord[] }
  | { ok: false; reason: "too_many" | "unsupported" };

/** Takes a request apart by its mode; "unsupported" when it is in none of them. */
export function splitCloudEvents(headers: Headers, body: Uint8Array, max_events: number): CloudEventSplit {
  const content_type = headers.get("content-type") ?? "";
  const mode = mediaType(content_type);
  if (mode === STRUCTURED) {
    const records = body.length === 0 ? [] : [{ value: body, headers: { content_type: STRUCTURED } }];
    return { ok: true, records };
  }
  if (mode === BATCH) {
    const split = splitIngest(body, { format: "json", kind: null, max_events });
    if (!split.ok) return split;
    const records = split.records.map(({ value }) => ({ value, headers: { content_type: STRUCTURED } }));
    return { ok: true, records };
  }
  if (!headers.has("ce-specversion")) return { ok: false, reason: "unsupported" };
  return { ok: true, records: [{ value: body, headers: { content_type, ...attributeHeaders(headers) } }] };
}

function attributeHeaders(headers: Headers): Record<string, string> {
  const kept = [...headers].filter(([name]) => /^ce-[a-z0-9]{1,20}$/.test(name));
  return Object.fromEntries(kept.slice(0, MAX_ATTRIBUTES));
}

/**
 * The answer to the abuse-protection handshake (`OPTIONS` with `WebHook-Request-Origin`): the origin when it is listed,
 * else null. `*` in the list allows every origin. A callback address is never called.
 */
export function allowedOrigin(origins: readonly string[], requested: string | null): string | null {
  if (requested === null || requested === "") return null;
  return origins.includes("*") || origins.includes(requested) ? requested : null;
}
