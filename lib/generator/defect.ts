/** Events as broken senders send them: one way for each reason and each code of a dead letter. */
import { type Body, encoded, timeText } from "./generated.ts";
import type { Random } from "./random.ts";

interface Broken {
  value: Uint8Array;
  /** Null when the bytes hold none. */
  event_id: string | null;
}

/** Label by what is broken: the reason, and behind a colon the code. */
export type Defect = keyof typeof DEFECTS;

const DEEP_LEVELS = 80;
/** After any time that an event of ours may have. */
const FUTURE_MS = Date.UTC(2999, 0, 1);
const encoder = new TextEncoder();

const changed = (body: Body, changes: Body): Broken => ({
  value: encoded({ ...body, ...changes }),
  event_id: String(body.event_id),
});

/** Each breaks a right transaction. */
const DEFECTS = {
  "undecodable:cut": (body) => ({ value: encoded(body).slice(0, -20), event_id: null }),
  "undecodable:utf8": (body) => {
    const value = encoded({ ...body, merchant_name: "Caf?" });
    value[value.lastIndexOf(0x3f)] = 0xe9;
    return { value, event_id: null };
  },
  "undecodable:bom": (body) => ({
    value: encoder.encode(`\ufeff${JSON.stringify(body)}`),
    event_id: null,
  }),
  "undecodable:surrogate": (body) => ({
    value: encoder.encode(JSON.stringify({ ...body, merchant_name: "?" }).replace('"?"', '"\\ud83d"')),
    event_id: null,
  }),
  too_deep: (body) => {
    const nest = "[".repeat(DEEP_LEVELS) + "]".repeat(DEEP_LEVELS);
    return { value: encoder.encode(`${JSON.stringify(body).slice(0, -1)},"nest":${nest}}`), event_id: null };
  },
  "schema:missing": ({ currency: _, ...body }) => changed(body, {}),
  "schema:invalid_type": (body) => changed(body, { user_id: { id: body.user_id } }),
  "schema:invalid_format": (body) => changed(body, { timestamp: "31.01.2026 09:30" }),
  "schema:out_of_range": (body) => changed(body, { amount: 0 }),
  "schema:invalid_enum": (body) => changed(body, { status: "done", currency: "XYZ" }),
  "schema:no_object": (body) => ({ value: encoded([body.event_id]), event_id: null }),
  future_timestamp: (body) => changed(body, { timestamp: timeText(FUTURE_MS) }),
} satisfies Record<string, (body: Body) => Broken>;

export const DEFECT_NAMES = Object.keys(DEFECTS) as readonly Defect[];

export function broken(defect: Defect, body: Body): Broken {
  const breaks: (body: Body) => Broken = DEFECTS[defect];
  return breaks(body);
}

/** Another event under the id of one that was sent before. */
export function conflicting(body: Body, random: Random): Body {
  return { ...body, note: `sent again differently, ${random.whole(1, 999)}` };
}
