/** Events of your own systems: proven by a token at the door, and already of the kind that the path names. */
import { isId } from "../event/field.ts";
import { isJsonObject } from "../event/json_text.ts";
import { bodyFault } from "../event/kind.ts";
import { ANY_EVENT } from "../event/kinds.ts";
import { transaction } from "../event/transaction.ts";
import type { Meaning, Source } from "./source.ts";

/** The source of an ingest token, or of records that another program wrote. */
export function tokenSource(name: string): Source {
  return {
    name,
    limit_bytes: 5_242_880,
    trust: "token",
    is_mapped: false,
    kept_headers: [],
    verify: () => false,
    secretFault: () => "belongs to a source that signs nothing",
    interpret({ headers, body, kinds }): Meaning {
      const kind = headers.kind ?? null;
      const event_id = isJsonObject(body) && isId(body.event_id) ? body.event_id : null;
      if (kind !== ANY_EVENT && (kind === null || !kinds.has(kind))) {
        return { meaning: "unknown_kind", type: kind, event_id };
      }
      if (!isJsonObject(body)) {
        return { meaning: "malformed", type: kind, event_id, faults: [bodyFault(body)] };
      }
      if (kind === ANY_EVENT) return { meaning: "unmapped", type: kind, event_id };
      return { meaning: "event", kind, event: body, faults: [] };
    },
    sample: (id, now_ms) => ({
      body: { ...transaction.example, event_id: `evt_${id}`, timestamp: now_ms },
      headers: {},
    }),
    sign: () => null,
  };
}
