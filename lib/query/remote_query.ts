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
const TOKEN_STATUS = [401, 403];

export async function askRemote(
  options: RemoteQueryOptions,
  question: RemoteQuestion,
  signal?: AbortSignal,
): Promise<QueryResult> {
  const deadline = AbortSignal.timeout(WAITS * options.timeout_ms + GRACE_MS);
  const answer = await send(options, question, signal ? AbortSignal.any([signal, deadline]) : deadline);
  if (answer.ok) return await unlessAway(() => answer.json()) as QueryResult;
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

/** Rejects with what keeps the query role from answering us: not there, not well, or another token. */
export async function checkRemote(
  options: Pick<RemoteQueryOptions, "url" | "token">,
  signal: AbortSignal,
): Promise<void> {
  const answer = await reach(options, "/health", { signal });
  await answer.body?.cancel();
  if (answer.ok) return;
  const reason = TOKEN_STATUS.includes(answer.status) ? ": API_TOKEN must be the same here and there" : "";
  throw new Fault("query_role", `${options.url} answers ${answer.status}${reason}`, {
    blame: "dependency",
    retry: "after_backoff",
  });
}

function send(
  options: RemoteQueryOptions,
  question: RemoteQuestion,
  signal: AbortSignal,
): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return reach(options, "/api/query", { method: "POST", headers, body: JSON.stringify(question), signal });
}

async function reach(
  { url, token }: Pick<RemoteQueryOptions, "url" | "token">,
  path: string,
  request: RequestInit,
): Promise<Response> {
  const headers = { ...request.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  return await unlessAway(() => fetch(new URL(path, url), { ...request, headers }));
}

/** Also for an answer that breaks off, or goes on longer than may be waited. */
async function unlessAway<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new Fault("query_role_away", "Cannot ask the query role: it does not answer", {
      blame: "dependency",
      retry: "after_backoff",
      cause: error,
    });
  }
}
