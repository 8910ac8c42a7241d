/**
 * `POST /hooks/:source`: a webhook is proven by its signature and answered 202 when its bytes are durable.
 *
 *   source known ─ headers bounded ─ rate ─ body bounded ─ signature ─ rate ─ append ─ 202
 *
 * Who is verified counts against the source's rate, who is not against the rate of its address: a stranger can
 * neither use up a sender's rate nor shut out a sender that shares its address (a tunnel).
 */
import { type Context, Hono } from "hono";
import type { NewRecord } from "../lib/log/log.ts";
import { partitionOf } from "../lib/log/topics.ts";
import { describe, type Description } from "../lib/source/describe.ts";
import type { Source } from "../lib/source/source.ts";
import { readBody } from "./body.ts";
import { accepted, type Door, type Env, headersTooLarge, tooMany } from "./door.ts";
import { problem } from "./problem.ts";
import { nextRequestId } from "./request_id.ts";
import { SeenIds } from "./seen_ids.ts";

/** One text for every way in which a request fails to prove itself. */
const NOT_VERIFIED = { detail: "The signature is missing, wrong or too old.", close: false };
const UNKNOWN = "unknown";

export function hooks(door: Door): Hono<Env> {
  const seen = new SeenIds();
  return new Hono<Env>().post("/hooks/:source", async (c) => {
    const requestId = nextRequestId();
    const name = c.req.param("source");
    const source = door.deps.sources.hook(name);
    const secrets = door.deps.settings.webhook_secrets[name];
    if (source === null || !secrets?.length || !Object.hasOwn(door.deps.settings.webhook_secrets, name)) {
      return door.finish(unknownSource(), UNKNOWN, requestId);
    }
    return door.finish(await receive(door, source, { c, seen, requestId }), name, requestId);
  });
}

interface Receiving {
  c: Context<Env>;
  seen: SeenIds;
  requestId: string;
}

async function receive(door: Door, source: Source, receiving: Receiving): Promise<Response> {
  const { c } = receiving;
  const request = c.req.raw;
  const early = headersTooLarge(request.headers);
  if (early) return early;
  const wait_s = door.hookRate.wait(source.name);
  if (wait_s > 0) return tooMany(wait_s);
  const limits = { max_bytes: source.limit_bytes, deadlines: door.deadlines, in_flight: door.in_flight };
  const reading = await readBody(request, c.env, limits);
  if (reading.refused) return reading.refused;
  try {
    return await judge(door, source, { ...receiving, body: reading.bytes });
  } finally {
    reading.release();
  }
}

async function judge(
  door: Door,
  source: Source,
  { c, seen, requestId, body }: Receiving & { body: Uint8Array },
): Promise<Response> {
  const { headers } = c.req.raw;
  const now_ms = door.deps.clock.now();
  const secrets = door.deps.settings.webhook_secrets[source.name];
  if (!source.verify({ headers, body, now_ms }, secrets)) return door.refuseStranger(c, NOT_VERIFIED);
  const wait_s = door.hookRate.take(source.name);
  if (wait_s > 0) return tooMany(wait_s);
  const record_headers = recordHeaders(source, headers);
  const description = describe(source, door.deps.kinds(), record_headers, body);
  const record: NewRecord = {
    partition: partitionOf(description.partition_key, door.deps.partitions),
    key: description.partition_key,
    value: body,
    headers: record_headers,
    received_at: now_ms,
  };
  const failed = await door.append(source.name, [record], requestId);
  if (failed) return failed;
  return accepted(answerText(source, description, seen));
}

function answerText(source: Source, description: Description, seen: SeenIds): string {
  const { event_id, partition_key } = description;
  const duplicate = seen.see(`${source.name}\u0000${event_id ?? partition_key}`);
  return `{"id":${JSON.stringify(event_id)}${duplicate ? ',"duplicate":true' : ""}}`;
}

const MAX_HEADER_CHARS = 1024;

/** The few headers that stand on the log: who sent it, what it is, and what the sender's own list keeps. */
export function recordHeaders(source: Source, headers: Headers): Record<string, string> {
  const kept: Record<string, string> = { source: source.name };
  const content_type = headers.get("content-type");
  if (content_type !== null) kept.content_type = content_type.slice(0, MAX_HEADER_CHARS);
  for (const name of source.kept_headers) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value.slice(0, MAX_HEADER_CHARS);
  }
  return kept;
}

function unknownSource(): Response {
  return problem({
    status: 404,
    detail: "There is no such source, or it has no secret: set <SOURCE>_WEBHOOK_SECRET.",
    code: "unknown_source",
    close: true,
  });
}
