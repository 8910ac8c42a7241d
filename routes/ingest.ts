/**
 * `POST /ingest/:kind`: events of your own systems, one or thousands a request, all durable or none.
 *
 * One bad line never fails its neighbours: it is accepted as a dead letter and named in the answer. Only what says
 * nothing about single events (too large, too many, wrong content type) refuses the whole request.
 */
import { Hono } from "hono";
import { ANY_EVENT, type Kinds } from "../lib/event/kinds.ts";
import type { Kind } from "../lib/event/kind.ts";
import type { NewRecord } from "../lib/log/log.ts";
import { partitionOf } from "../lib/log/topics.ts";
import { type IngestRecord, splitIngest } from "../lib/source/ingest.ts";
import { readBody } from "./body.ts";
import { accepted, type Door, type Env, headersTooLarge, tooMany } from "./door.ts";
import { problem } from "./problem.ts";
import { nextRequestId } from "./request_id.ts";

export const MAX_EVENTS = 10_000;
const STRANGER = "unknown";
const NO_TOKEN = { detail: "The token is missing or wrong.", close: true };

export function ingest(door: Door): Hono<Env> {
  return new Hono<Env>().post("/ingest/:kind", async (c) => {
    const requestId = nextRequestId();
    const request = c.req.raw;
    const astray = door.gate.misdirected(request);
    if (astray) return door.finish(astray, STRANGER, requestId);
    const source = door.gate.ingestSource(request.headers);
    if (source === null) return door.finish(door.refuseStranger(c, NO_TOKEN), STRANGER, requestId);
    const target = targetOf(door.deps.kinds(), c.req.param("kind"), request.headers);
    const answer = target instanceof Response
      ? target
      : await receive(door, request, { ...target, source, requestId, connection: c.env });
    return door.finish(answer, source, requestId);
  });
}

interface Target {
  kind_name: string;
  kind: Kind | null;
  format: "json" | "ndjson";
  content_type: string;
}

function targetOf(kinds: Kinds, name: string, headers: Headers): Target | Response {
  const kind = kinds.get(name) ?? null;
  if (kind === null && name !== ANY_EVENT) return unknownKind(kinds);
  const content_type = headers.get("content-type") ?? "";
  const format = formatOf(content_type);
  if (format === null) {
    return problem({
      status: 415,
      detail: "Send application/json or application/x-ndjson.",
      code: "content_type",
      close: true,
      headers: { accept: "application/json, application/x-ndjson" },
    });
  }
  return { kind_name: name, kind, format, content_type: content_type.slice(0, 100) };
}

/** The media type decides; parameters such as a charset do not. */
export function formatOf(content_type: string): "json" | "ndjson" | null {
  const semicolon = content_type.indexOf(";");
  const media = (semicolon < 0 ? content_type : content_type.slice(0, semicolon)).trim().toLowerCase();
  if (media === "application/json") return "json";
  return media === "application/x-ndjson" ? "ndjson" : null;
}

interface Receiving extends Target {
  source: string;
  requestId: string;
  connection: Env["Bindings"];
}

async function receive(door: Door, request: Request, receiving: Receiving): Promise<Response> {
  const { source, connection } = receiving;
  const early = headersTooLarge(request.headers);
  if (early) return early;
  const wait_s = door.ingestRate.wait(source);
  if (wait_s > 0) return tooMany(wait_s);
  const limits = {
    max_bytes: door.deps.settings.MAX_BODY_BYTES,
    deadlines: door.deadlines,
    in_flight: door.in_flight,
  };
  const reading = await readBody(request, connection, limits);
  if (reading.refused) return reading.refused;
  try {
    return await store(door, reading.bytes, receiving);
  } finally {
    reading.release();
  }
}

async function store(door: Door, body: Uint8Array, receiving: Receiving): Promise<Response> {
  const { source, kind, kind_name, format, content_type, requestId } = receiving;
  const split = splitIngest(body, { format, kind, max_events: MAX_EVENTS });
  if (!split.ok) return tooManyEvents();
  const { records } = split;
  const wait_s = records.length > 0 ? door.ingestRate.take(source, records.length) : 0;
  if (wait_s > 0) return tooMany(wait_s);
  const headers = { source, kind: kind_name, content_type };
  const failed = await door.append(source, onLog(door, records, headers), requestId);
  return failed ?? accepted(answerText(records));
}

/** The records as they stand on the log; all of a request share one headers object and one time. */
export function onLog(
  door: Door,
  records: readonly IngestRecord[],
  headers: Readonly<Record<string, string>>,
): NewRecord[] {
  const received_at = door.deps.clock.now();
  const { partitions } = door.deps;
  return records.map(({ value, partition_key }) => ({
    partition: partitionOf(partition_key, partitions),
    key: partition_key,
    value,
    headers,
    received_at,
  }));
}

export function answerText(records: readonly { rejected: string | null }[]): string {
  const rejected: { index: number; reason: string }[] = [];
  records.forEach(({ rejected: reason }, index) => {
    if (reason !== null) rejected.push({ index, reason });
  });
  return JSON.stringify({ accepted: records.length, duplicates: 0, rejected });
}

function unknownKind(kinds: Kinds): Response {
  const names = [...kinds.keys(), ANY_EVENT].join(", ");
  return problem({
    status: 404,
    detail: `There is no such kind. Known are ${names}; more are declared in config/kinds.yaml.`,
    code: "unknown_kind",
    close: true,
  });
}

function tooManyEvents(): Response {
  return problem({
    status: 413,
    detail: `The body holds more than ${MAX_EVENTS} events; nothing was stored.`,
    code: "too_many_events",
  });
}
