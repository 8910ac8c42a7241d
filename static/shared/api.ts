/** Calls the HTTP API of our own origin and gives its problems as one error with a readable sentence. */

/** An answer that is no success: RFC 9457 fields as the server sent them. */
export class ApiProblem extends Error {
  override name = "ApiProblem";
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null,
    readonly line: number | null,
    readonly column: number | null,
    readonly errors: readonly { field?: string; message?: string; code?: string }[],
  ) {
    super(message);
  }
}

/** Nobody answered; whether anything was done is not known. */
export class Unreachable extends Error {
  override name = "Unreachable";
  constructor(who: string, cause: unknown) {
    super(`${who} cannot be reached: it does not run, or the network is cut.`, { cause });
  }
}

export interface Page<T> {
  items: T[];
  cursor: string | null;
}

type Query = Record<string, string | number | null | undefined>;

export async function getJson<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const response = await call(address(path, query), { signal });
  return await response.json() as T;
}

/** Sends JSON (or text as it is) and gives the JSON answer, or null when there is none. */
export async function send<T>(
  method: "POST" | "PUT",
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<T | null> {
  const text = typeof body === "string";
  const response = await call(path, {
    method,
    signal,
    headers: { "content-type": text ? "text/plain; charset=utf-8" : "application/json" },
    body: text ? body : JSON.stringify(body),
  });
  const answer = await response.text();
  return answer === "" ? null : JSON.parse(answer) as T;
}

export function address(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  return search.size > 0 ? `${path}?${search}` : path;
}

/** A fetch that rejects with Unreachable when nobody answers; browsers say that each in their own few words. */
export async function reach(path: string, init: RequestInit = {}, who = "Millrace"): Promise<Response> {
  try {
    return await fetch(path, { credentials: "same-origin", ...init });
  } catch (error) {
    throw error instanceof TypeError ? new Unreachable(who, error) : error;
  }
}

/** A fetch that rejects with ApiProblem unless the answer is a success; an ended session goes to the login form and back. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await reach(path, init);
  if (response.ok) return response;
  if (response.status === 401) location.assign(`/login${location.hash}`);
  throw await problemOf(response, path);
}

async function problemOf(response: Response, path: string): Promise<ApiProblem> {
  const text = await response.text();
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text);
  } catch {
    body = { detail: text.slice(0, 300) };
  }
  const sentence = [body.title, body.detail].filter((part) => typeof part === "string" && part !== "").join(
    ": ",
  );
  const number = (value: unknown) => typeof value === "number" ? value : null;
  return new ApiProblem(
    response.status,
    sentence || `The server answered ${response.status} to ${path}`,
    typeof body.code === "string" ? body.code : null,
    number(body.line),
    number(body.column),
    Array.isArray(body.errors) ? body.errors : [],
  );
}
