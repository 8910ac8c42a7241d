/** Addresses inside the page: `#/<page>/<rest>?<name>=<value>`. Only the page's own code reads or makes them. */

export interface Place {
  page: string;
  /** What follows the page's name, decoded; "" when nothing does. */
  rest: string;
  query: URLSearchParams;
}

export function pageOf(hash: string): Place {
  const [path, query] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page, ...rest] = path.split("/");
  return { page: page || "sql", rest: decode(rest.join("/")), query: new URLSearchParams(query ?? "") };
}

export function hashOf(page: string, rest = "", query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query);
  const tail = rest === "" ? "" : `/${encodeURIComponent(rest)}`;
  return `#/${page}${tail}${search.size > 0 ? `?${search}` : ""}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
