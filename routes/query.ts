/** `POST /api/query`: one SELECT over the lake's tables, answered as JSON, NDJSON, CSV or Arrow. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { Fault } from "../lib/errors.ts";
import type { Metrics } from "../lib/observe/metrics.ts";
import type { QueryResult } from "../lib/query/engine.ts";
import { formatResult, QUERY_FORMATS, type QueryFormat } from "../lib/query/format.ts";
import type { Env } from "./door.ts";
import { BytesInFlight } from "./limits.ts";
import { ONE_MOMENT, WrittenTime } from "./parameters.ts";
import { problem } from "./problem.ts";
import { fieldProblem, readText, type SmallBodies } from "./small_body.ts";

export interface LakeQueryRequest {
  sql: string;
  /** Of every table that has this snapshot. */
  snapshot?: string;
  /** RFC 3339: tables as they were then. */
  as_of?: string;
  /** Rows at most. */
  limit: number;
}

/** Runs a SELECT over tables by name, wherever the engine is. Faults are those of the QueryEngine port. */
export interface LakeQuery {
  run(request: LakeQueryRequest, signal?: AbortSignal): Promise<QueryResult>;
}

export interface QueryDeps {
  query: LakeQuery;
  bodies: SmallBodies;
  metrics: Metrics;
  /** Large answers that were given and not read to their end. */
  unread?: BytesInFlight;
}

/** Whoever does not read holds an answer in our memory: beyond so much of it large answers are put off. */
const MAX_UNREAD_BYTES = 512 * 1024 * 1024;
const LARGE_BYTES = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;

export const DEFAULT_ROWS = 10_000;
export const MAX_ROWS = 1_000_000;

const Asked = z.object({
  sql: z.string().min(1),
  snapshot: z.union([z.string().regex(/^\d{1,19}$/), z.number().int().nonnegative().transform(String)])
    .optional(),
  as_of: WrittenTime.transform((time_ms) => new Date(time_ms).toISOString()).optional(),
  limit: z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).pipe(z.int().min(0)).default(
    DEFAULT_ROWS,
  ).transform((rows) => Math.min(rows, MAX_ROWS)),
  format: z.enum(QUERY_FORMATS).default("json"),
}).refine(({ snapshot, as_of }) => snapshot === undefined || as_of === undefined, {
  path: ["snapshot"],
  message: `it must be ${ONE_MOMENT}`,
});

export function query(
  { query, bodies, metrics, unread = new BytesInFlight(MAX_UNREAD_BYTES) }: QueryDeps,
): Hono<Env> {
  return new Hono<Env>().post("/api/query", async (c) => {
    const text = await readText(c, bodies);
    if (text instanceof Response) return text;
    const parsed = Asked.safeParse(asked(c, text));
    if (!parsed.success) return fieldProblem(parsed.error);
    const { format, ...request } = parsed.data;
    const started = performance.now();
    const count = (outcome: string) => metrics.counter("queries_total", { outcome }).add();
    try {
      const given = await answer(await query.run(request, c.req.raw.signal), format);
      const body = given.body.length > LARGE_BYTES ? heldUntilRead(c, given.body, unread) : given.body;
      count("ok");
      return new Response(body, { headers: given.headers });
    } catch (error) {
      count(c.req.raw.signal.aborted ? "cancelled" : error instanceof Fault ? error.code : "failed");
      if (isTimeout(error) && isOfBrowser(c)) {
        return problem({ status: 422, detail: error.message, code: error.code });
      }
      throw error;
    } finally {
      metrics.histogram("query_seconds", {}).observe((performance.now() - started) / 1000);
    }
  });
}

function isTimeout(error: unknown): error is Fault {
  return error instanceof Fault && error.code === "timeout" && error.blame === "sender";
}

/** A browser sends a request again that was answered 408 on a kept connection, and so runs the query again and again. */
function isOfBrowser(c: Context<Env>): boolean {
  return c.req.raw.headers.has("origin");
}

/** A JSON body as it is; a text body is the SQL, and its options stand in the address. */
function asked(c: Context<Env>, text: string): unknown {
  const media = (c.req.header("content-type") ?? "").split(";")[0].trim().toLowerCase();
  if (media === "application/json") {
    try {
      return withoutNulls(JSON.parse(text));
    } catch {
      throw new Fault("syntax", "Cannot read the query: the body is not JSON", {
        blame: "sender",
        retry: "never",
      });
    }
  }
  return { ...c.req.query(), sql: text };
}

/** Formats that hold rows only say in headers what JSON says in members. */
async function answer(result: QueryResult, format: QueryFormat) {
  const { content_type, body } = await formatResult(result, format);
  const headers = {
    "content-type": content_type,
    "x-truncated": String(result.truncated),
    "x-elapsed-ms": String(result.elapsed_ms),
  };
  return { body, headers };
}

/**
 * The answer as a stream, because only of a stream the server says when it was read or given up; what it is told in one
 * piece it takes for sent. One that is larger than all may be together is given when no other is held.
 */
function heldUntilRead(
  c: Context<Env>,
  body: string | Uint8Array,
  unread: BytesInFlight,
): ReadableStream<Uint8Array> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const held = Math.min(bytes.length, unread.max_bytes);
  if (!unread.take(held)) {
    throw new Fault("busy", "Cannot deliver the answer: others that were asked for are not read yet", {
      blame: "dependency",
      retry: "after_backoff",
    });
  }
  const release = () => unread.give(held);
  (c.env?.completed ?? Promise.resolve()).then(release, release);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.subarray(at, at += PIECE_BYTES));
      if (at >= bytes.length) controller.close();
    },
  });
}

/** null says as much as nothing. */
function withoutNulls(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}
