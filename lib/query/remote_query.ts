/** Questions answered by a query role elsewhere: the same request over HTTP, the same faults back. */
import { Fault } from "../errors.ts";
import type { QueryResult } from "./engine.ts";

export interface RemoteQueryOptions {
  url: string;
  token: string | null;
  timeout_ms: number;
}

export interface RemoteQuestion {
  sql: string;
  limit: number;
  snapshot?: string;
  as_of?: string;
}

interface Problem {
  code?: string;
  detail?: string;
  title?: string;
  line?: number;
  column?: number;
}

/** What a question may wait for there, each as long as a query may take: its turn, its files, its answer. */
const WAITS = 3;
/** For the way. */
const GRACE_MS = 5_000;
const SENDER_STATUS = [400, 408, 422];

export async function askRemote(
  options: RemoteQueryOptions,
  question: RemoteQuestion,
  signal?: AbortSignal,
): Promise<QueryResult> {
  const deadline = AbortSignal.timeout(WAITS * options.timeout_ms + GRACE_MS);
  const answer = await send(options, question, signal ? AbortSignal.any([signal, deadline]) : deadline);
  if (answer.ok) return await answer.json() as QueryResult;
  const problem = await answer.json().catch(() => ({})) as Problem;
  // A 404 without this code is another server than a query role.
  const isSenders = SENDER_STATUS.includes(answer.status) || problem.code === "no_such_snapshot";
  throw new Fault(
    problem.code ?? "query_role",
    problem.detail ?? problem.title ?? `The query role answered ${answer.status}`,
    {
      blame: isSenders ? "sender" : "dependency",
      retry: isSenders ? "never" : "after_backoff",
      fields: (["line", "column"] as const).filter((field) => problem[field] !== undefined)
        .map((field) => ({ field, code: "position", actual: String(problem[field]) })),
    },
  );
}

async function send(
  { url, token }: RemoteQueryOptions,
  question: RemoteQuestion,
  signal: AbortSignal,
): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  try {
    return await fetch(new URL("/api/query", url), {
      method: "POST",
      headers,
      body: JSON.stringify(question),
      signal,
    });
  } catch (error) {
    throw new Fault("query_role_away", "Cannot ask the query role: it does not answer", {
      blame: "dependency",
      retry: "after_backoff",
      cause: error,
    });
  }
}
