/** `/ingest/cloudevents`: CloudEvents 1.0 in binary, structured and batched mode, and the handshake before them. */
import { Hono } from "hono";
import { allowedOrigin, cloudEvents as source, splitCloudEvents } from "../lib/source/cloud_events.ts";
import { accepted, type Door, type Env, STRANGER, tooMany } from "./door.ts";
import { answerText, MAX_EVENTS, tooManyEvents, wrongType } from "./ingest.ts";
import { problem } from "./problem.ts";
import { recordOf } from "./record.ts";
import { nextRequestId, REQUEST_ID } from "./request_id.ts";

const TYPES = "application/cloudevents+json, application/cloudevents-batch+json, or any with ce- headers";

export function cloudEvents(door: Door): Hono<Env> {
  return new Hono<Env>()
    .options("/ingest/cloudevents", (c) => {
      const requestId = nextRequestId();
      const answer = handshake(door, c.req.raw, requestId);
      return answer.ok ? answer : door.refuse(answer, source.name, requestId);
    })
    .post("/ingest/cloudevents", async (c) => {
      const requestId = nextRequestId();
      const token = door.admit(c);
      if (token instanceof Response) return door.refuse(token, STRANGER, requestId);
      const max_bytes = door.deps.settings.MAX_BODY_BYTES;
      const bounds = { rate: door.ingestRate, key: source.name, max_bytes };
      const { headers } = c.req.raw;
      const answer = await door.receive(c, bounds, (body) => store(door, body, { headers, requestId }));
      return answer.status === 202 ? answer : door.refuse(answer, source.name, requestId);
    });
}

async function store(
  door: Door,
  body: Uint8Array,
  { headers, requestId }: { headers: Headers; requestId: string },
): Promise<Response> {
  const split = splitCloudEvents(headers, body, MAX_EVENTS);
  if (!split.ok) return split.reason === "too_many" ? tooManyEvents() : wrongType(TYPES, false);
  if (split.records.length === 0) return accepted(answerText([]), requestId);
  const wait_s = door.ingestRate.take(source.name, split.records.length);
  if (wait_s > 0) return tooMany(wait_s);
  const received_at = door.deps.clock.now();
  const described = split.records.map((one) =>
    recordOf(door.deps, source, {
      value: one.value,
      headers: { source: source.name, ...one.headers },
      received_at,
    })
  );
  const failed = await door.append(source.name, described.map(({ record }) => record), requestId);
  return failed ?? accepted(answerText(described), requestId);
}

/**
 * The abuse-protection handshake: who asks with an origin that `sources.yaml` lists may send. The callback that a
 * sender may offer is never called: it would let anybody make us call anybody.
 */
function handshake(door: Door, request: Request, requestId: string): Response {
  const astray = door.gate.misdirected(request);
  if (astray) return astray;
  const asked = request.headers.get("webhook-request-origin");
  const origin = allowedOrigin(door.deps.sources().origins, asked);
  if (origin === null) {
    return problem({
      status: 403,
      detail: "This origin is not listed in sources.yaml.",
      code: "origin_not_listed",
      headers: { allow: "POST, OPTIONS" },
    });
  }
  const headers: Record<string, string> = {
    allow: "POST, OPTIONS",
    "webhook-allowed-origin": origin,
    [REQUEST_ID]: requestId,
  };
  if (request.headers.has("webhook-request-rate")) headers["webhook-allowed-rate"] = allowedRate(door);
  return new Response(null, { status: 200, headers });
}

/** In requests a minute, as the handshake counts; `*` for no limit. */
function allowedRate(door: Door): string {
  const { INGEST_RATE_PER_SECOND, RATE_LIMIT_PER_SECOND } = door.deps.settings;
  const rate = RATE_LIMIT_PER_SECOND ?? INGEST_RATE_PER_SECOND;
  return rate === 0 ? "*" : String(rate * 60);
}
