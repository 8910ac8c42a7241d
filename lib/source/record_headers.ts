/** Which headers of a request go onto the log with its body: an allow-list, so that no credential ever does. */
import type { Source } from "./source.ts";

const MAX_CHARACTERS = 500;

/** `source, content_type` and what the source keeps; the caller adds `kind` once the body is described. */
export function recordHeaders(source: Source, request: Headers): Record<string, string> {
  const headers: Record<string, string> = {
    ...nameHeaders(source),
    content_type: cut(request.get("content-type") ?? ""),
  };
  for (const name of source.kept_headers) {
    const value = request.get(name);
    if (value !== null) headers[name] = cut(value);
  }
  return headers;
}

/** By which the judge finds the source again. */
export function nameHeaders({ name, like }: Pick<Source, "name" | "like">): Record<string, string> {
  return like === undefined ? { source: name } : { source: name, like };
}

function cut(value: string): string {
  return value.slice(0, MAX_CHARACTERS);
}
