/** Errors as the outside sees them: `application/problem+json`, made from a status or from a Fault. */
import { Fault, type FieldFault } from "../lib/errors.ts";
import type { Scrub } from "../lib/observe/scrub.ts";

const TITLES: Record<number, string> = {
  400: "Bad request",
  401: "Not authorised",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content too large",
  415: "Unsupported media type",
  416: "Range not satisfiable",
  421: "Misdirected request",
  422: "Unprocessable content",
  429: "Too many requests",
  431: "Request header fields too large",
  500: "Internal error",
  503: "Service unavailable",
};

export interface Problem {
  status: number;
  /** One sentence for people; never a secret, never a stack. */
  detail: string;
  /** A short word for machines. */
  code?: string;
  errors?: readonly FieldFault[];
  /** Whole seconds; becomes `Retry-After`. */
  retry_after_s?: number;
  /** Answered before the body was read: the connection cannot carry another request. */
  close?: boolean;
  /** More members of the problem. */
  more?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string>>;
}

const PROBLEM_TYPE = "application/problem+json";

export function isProblem(answer: Response): boolean {
  return answer.headers.get("content-type") === PROBLEM_TYPE;
}

/** A 401 always says how to prove oneself: by a token, where nothing else is given. */
export const CHALLENGE = "www-authenticate";

export function problem(p: Problem): Response {
  const headers = new Headers({
    "content-type": PROBLEM_TYPE,
    "cache-control": "no-store",
    ...p.headers,
  });
  if (p.retry_after_s !== undefined) headers.set("retry-after", String(p.retry_after_s));
  if (p.close) headers.set("connection", "close");
  if (p.status === 401 && !headers.has(CHALLENGE)) headers.set(CHALLENGE, "Bearer");
  const body = {
    type: "about:blank",
    title: TITLES[p.status] ?? "Error",
    status: p.status,
    detail: p.detail,
    ...(p.code ? { code: p.code } : {}),
    ...(p.errors?.length ? { errors: p.errors } : {}),
    ...p.more,
  };
  return new Response(JSON.stringify(body), { status: p.status, headers });
}

/** Whether an answer before reading leaves a body behind. Asked of the method: a touched body is not drained. */
export function mayHaveBody(request: Request): boolean {
  return request.method !== "GET" && request.method !== "HEAD";
}

/** Statuses of Faults that the sender is to blame for, where 400 would say too little. */
const SENDER_STATUS: Record<string, number> = {
  not_found: 404,
  no_such_table: 404,
  no_such_snapshot: 404,
  conflict: 409,
  gone: 410,
  timeout: 408,
  limit: 422,
  too_large: 413,
  record_too_large: 413,
};

const RETRY_AFTER_S = 2;

/** What anything thrown looks like from outside. A bug says nothing but that it happened: the log has the rest. */
export function problemOf(thrown: unknown, scrub: Scrub): Response {
  if (!(thrown instanceof Fault)) {
    return problem({ status: 500, detail: "The server failed; its log says why under this request id." });
  }
  const shared = { detail: scrub(thrown.message), code: thrown.code };
  if (thrown.blame === "dependency") {
    return problem({ ...shared, status: 503, retry_after_s: RETRY_AFTER_S });
  }
  if (thrown.blame === "us") return problem({ ...shared, status: 500 });
  const at = (name: string) => thrown.fields.find((one) => one.field === name)?.actual;
  const place = Object.fromEntries(
    ["line", "column"].flatMap((name) => at(name) === undefined ? [] : [[name, Number(at(name))]]),
  );
  const errors = thrown.fields.filter((one) => one.field !== "line" && one.field !== "column");
  return problem({ ...shared, status: SENDER_STATUS[thrown.code] ?? 400, errors, more: place });
}
