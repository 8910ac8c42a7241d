/**
 * `POST /ingest/:kind`: events of your own systems, one or thousands a request, all durable or none.
 *
 * One bad line never fails its neighbours: it is accepted as a dead letter and named in the answer. Only what says
 * nothing about single events (too large, too many, wrong content type) refuses the whole request.
 */
import { join } from "node:path";
import { Hono } from "hono";
import { ANY_EVENT, type Kinds } from "../lib/event/kinds.ts";
import type { Kind } from "../lib/event/kind.ts";
import type { NewRecord } from "../lib/log/log.ts";
import { partitionOf } from "../lib/log/topics.ts";
import { type IngestRecord, splitIngest } from "../lib/source/ingest.ts";
import { accepted, type Door, type Env, STRANGER, tooMany } from "./door.ts";
import { problem } from "./problem.ts";
import { recordOf } from "./record.ts";
import { nextRequestId } from "./request_id.ts";

export const MAX_EVENTS = 10_000;

export function ingest(door: Door): Hono<Env> {
  return new Hono<Env>().post("/ingest/:kind", async (c) => {
    const requestId = nextRequestId();
    const source = door.admit(c);
    if (source instanceof Response) return door.refuse(source, STRANGER, requestId);
    const target = targetOf(door, c.req.param("kind"), c.req.raw.headers);
    if (target instanceof Response) return door.refuse(target, source, requestId);
    const max_bytes = door.deps.settings.MAX_BODY_BYTES;
    const bounds = { rate: door.ingestRate, key: source, max_bytes };
    const answer = await door.receive(
      c,
      bounds,
      (body) => store(door, body, { ...target, source, requestId }),
    );
    return answer.status === 202 ? answer : door.refuse(answer, source, requestId);
  });
}

interface Target {
  kind_name: string;
  kind: Kind | null;
  format: "json" | "ndjson";
  content_type: string;
}

function targetOf({ deps }: Door, name: string, headers: Headers): Target | Response {
  const kinds = deps.kinds();
  const kind = kinds.get(name) ?? null;
  if (kind === null && name !== ANY_EVENT) return unknownKind(kinds, deps.settings.CONFIG_DIR);
  const content_type = headers.get("content-type") ?? "";
  const format = formatOf(content_type);
  if (format === null) return wrongType("application/json, application/x-ndjson");
  return { kind_name: name, kind, format, content_type: content_type.slice(0, 100) };
}

/** The media type decides; parameters such as a charset do not. */
function formatOf(content_type: string): "json" | "ndjson" | null {
  const media = content_type.split(";", 1)[0].trim().toLowerCase();
  if (media === "application/json") return "json";
  return media === "application/x-ndjson" ? "ndjson" : null;
}

interface Taking extends Target {
  source: string;
  requestId: string;
}

async function store(door: Door, body: Uint8Array, taking: Taking): Promise<Response> {
  const { source, kind, format, requestId } = taking;
  const split = splitIngest(body, { format, kind, max_events: MAX_EVENTS });
  if (!split.ok) return tooManyEvents();
  const { records } = split;
  if (records.length === 0) return accepted(answerText(records), requestId);
  const wait_s = door.ingestRate.take(source, records.length);
  if (wait_s > 0) return tooMany(wait_s);
  const failed = await door.append(source, onLog(door, records, taking), requestId);
  return failed ?? accepted(answerText(records), requestId);
}

/** The records as they stand on the log; all of a request share one headers object and one time. */
function onLog(door: Door, records: readonly IngestRecord[], taking: Taking): NewRecord[] {
  const { deps } = door;
  const received_at = deps.clock.now();
  const headers = { source: taking.source, kind: taking.kind_name, content_type: taking.content_type };
  const sources = deps.sources();
  if (sources.redactor(taking.source) !== null) {
    const source = sources.of(taking.source);
    return records.map(({ value }) => recordOf(deps, source, { value, headers, received_at }).record);
  }
  return records.map(({ value, partition_key }) => ({
    partition: partitionOf(partition_key, deps.partitions),
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

function unknownKind(kinds: Kinds, folder: string): Response {
  const names = [...kinds.keys(), ANY_EVENT].join(", ");
  return problem({
    status: 404,
    detail: `There is no such kind. Known are ${names}; more are declared in ${join(folder, "kinds.yaml")}.`,
    code: "unknown_kind",
    close: true,
  });
}

/** 415 with the types that are taken. */
export function wrongType(types: string, close = true): Response {
  return problem({
    status: 415,
    detail: `Send one of ${types}.`,
    code: "content_type",
    close,
    headers: { accept: types },
  });
}

export function tooManyEvents(): Response {
  return problem({
    status: 413,
    detail: `The body holds more than ${MAX_EVENTS} events; nothing was stored.`,
    code: "too_many_events",
  });
}
