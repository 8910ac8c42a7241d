/** Events that travel in an envelope of type, data, id and time: Standard Webhooks and CloudEvents. */
import type { FieldFault } from "../errors.ts";
import { isId, missing, typeName } from "../event/field.ts";
import { isJsonObject } from "../event/json_text.ts";
import type { Kinds } from "../event/kinds.ts";
import type { Meaning } from "./source.ts";

export interface Envelope {
  type: unknown;
  data: unknown;
  /** Takes the place of the data's own event_id and timestamp where these are absent. */
  event_id: string | null;
  timestamp: unknown;
}

/** The event inside, when the type is a kind or ends in `.<kind>`. */
export function meaningOfEnvelope(envelope: Envelope, kinds: Kinds): Meaning {
  const { type, data } = envelope;
  const event_id = isId(envelope.event_id) ? envelope.event_id : null;
  if (typeof type !== "string" || type === "") {
    return { meaning: "malformed", type: null, event_id, faults: [textFault("type", type)] };
  }
  const kind = type.slice(type.lastIndexOf(".") + 1);
  if (!kinds.has(kind)) return { meaning: "unmapped", type, event_id };
  if (!isJsonObject(data)) {
    return { meaning: "malformed", type: kind, event_id, faults: [typeFault("data", "object", data)] };
  }
  // A spread defines members one by one, so a key `__proto__` in the data stays a key.
  const event = {
    ...data,
    event_id: data.event_id ?? event_id,
    timestamp: data.timestamp ?? envelope.timestamp,
  };
  return { meaning: "event", kind, event, faults: [] };
}

/** The fault of what is absent or of another type than its place in an envelope wants. */
export function typeFault(field: string, expected: string, value: unknown): FieldFault {
  return value === undefined || value === null
    ? missing(field, expected)
    : { field, code: "invalid_type", expected, actual: typeName(value) };
}

/** The fault of a text that is absent, empty or of another type. */
export function textFault(field: string, value: unknown): FieldFault {
  return typeFault(field, "string", value === "" ? null : value);
}
