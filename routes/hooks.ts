/**
 * `POST /hooks/:source`: a webhook is proven by its signature and answered 202 when its bytes are durable.
 *
 *   source known ─ headers bounded ─ rate ─ body bounded ─ signature ─ rate ─ redact ─ append ─ 202
 *
 * Who is verified counts against the source's rate, who is not against the rate of its address: a stranger can
 * neither use up a sender's rate nor shut out a sender that shares its address (a tunnel).
 */
import { type Context, Hono } from "hono";
import { recordHeaders } from "../lib/source/record_headers.ts";
import type { Source } from "../lib/source/source.ts";
import { accepted, type Door, type Env, STRANGER, tooMany } from "./door.ts";
import { CHALLENGE, problem } from "./problem.ts";
import { recordOf } from "./record.ts";
import { nextRequestId } from "./request_id.ts";
import { SeenIds } from "./seen_ids.ts";

/** One text for every way in which a request fails to prove itself. */
const NOT_VERIFIED = {
  detail: "The signature is missing, wrong or too old.",
  close: false,
  headers: { [CHALLENGE]: "Signature" },
};

export function hooks(door: Door): Hono<Env> {
  const seen = new SeenIds();
  return new Hono<Env>().post("/hooks/:source", async (c) => {
    const requestId = nextRequestId();
    const name = c.req.param("source");
    const source = door.deps.sources().hook(name);
    const secrets = door.deps.settings.webhook_secrets;
    if (source === null || !Object.hasOwn(secrets, name) || secrets[name].length === 0) {
      return door.refuse(unknownSource(), STRANGER, requestId);
    }
    const bounds = { rate: door.hookRate, key: name, max_bytes: source.limit_bytes };
    const answer = await door.receive(c, bounds, (body) => take(door, source, { c, seen, requestId, body }));
    return answer.status === 202 ? answer : door.refuse(answer, name, requestId);
  });
}

interface Taking {
  c: Context<Env>;
  seen: SeenIds;
  requestId: string;
  body: Uint8Array;
}

async function take(door: Door, source: Source, { c, seen, requestId, body }: Taking): Promise<Response> {
  const { headers } = c.req.raw;
  const now_ms = door.deps.clock.now();
  const secrets = door.deps.settings.webhook_secrets[source.name];
  if (!source.verify({ headers, body, now_ms }, secrets)) return door.refuseStranger(c, NOT_VERIFIED);
  const wait_s = door.hookRate.take(source.name);
  if (wait_s > 0) return tooMany(wait_s);
  const { record, event_id, key } = recordOf(door.deps, source, {
    value: body,
    headers: recordHeaders(source, headers),
    received_at: now_ms,
  });
  const failed = await door.append(source.name, [record], requestId);
  if (failed) return failed;
  const duplicate = seen.see(source.name, event_id ?? key) ? ',"duplicate":true' : "";
  return accepted(`{"id":${JSON.stringify(event_id)}${duplicate}}`, requestId);
}

function unknownSource(): Response {
  return problem({
    status: 404,
    detail: "There is no such source, or it has no secret: set <SOURCE>_WEBHOOK_SECRET.",
    code: "unknown_source",
    close: true,
  });
}
