/** Which headers of a request go onto the log with its body: an allow-list, so that no credential ever does. */
import type { Source } from "./source.ts";

type RecordHeaders = Readonly<Record<string, string>>;

const MAX_CHARACTERS = 500;
/** Of one source, and then kinds of one of them: a sender may say what it likes. */
const MAX_SHARED = 100;

/** Records that say the same share one object, so that a batch writes it once and compares no text to know. */
const bySource = new WeakMap<Source, Map<string, RecordHeaders>>();
const byHeaders = new WeakMap<RecordHeaders, Map<string, RecordHeaders>>();

/** `source, content_type` and what the source keeps; the caller adds `kind` once the body is described. */
export function recordHeaders(source: Source, request: Headers): RecordHeaders {
  const content_type = cut(request.get("content-type") ?? "");
  const plain = shared(bySource, source, content_type, () => ({ ...nameHeaders(source), content_type }));
  if (source.kept_headers.length === 0) return plain;
  const headers: Record<string, string> = { ...plain };
  for (const name of source.kept_headers) {
    const value = request.get(name);
    if (value !== null) headers[name] = cut(value);
  }
  return headers;
}

/** The headers with `kind` beside them. */
export function withKind(headers: RecordHeaders, kind: string): RecordHeaders {
  return shared(byHeaders, headers, kind, () => ({ ...headers, kind }));
}

/** By which the judge finds the source again. */
export function nameHeaders({ name, like }: Pick<Source, "name" | "like">): Record<string, string> {
  return like === undefined ? { source: name } : { source: name, like };
}

function shared<K extends WeakKey>(
  known: WeakMap<K, Map<string, RecordHeaders>>,
  of: K,
  by: string,
  make: () => RecordHeaders,
): RecordHeaders {
  let made = known.get(of);
  if (made === undefined) known.set(of, made = new Map());
  let headers = made.get(by);
  if (headers === undefined) {
    headers = make();
    if (made.size < MAX_SHARED) made.set(by, headers);
  }
  return headers;
}

function cut(value: string): string {
  return value.slice(0, MAX_CHARACTERS);
}
