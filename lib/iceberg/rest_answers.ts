/**
 * A catalog as the read-only Iceberg REST API: five GETs, answered as status and body, so that any web framework serves it.
 *
 *   /v1/config   /v1/namespaces   /v1/namespaces/{ns}   /v1/namespaces/{ns}/tables   /v1/namespaces/{ns}/tables/{table}
 *
 * The config names the endpoints, so that clients do not try to write. A prefix that a client puts after `v1` (a
 * warehouse) means nothing and is passed over.
 */
import type { Catalog, TableName } from "./catalog.ts";

export interface RestAnswer {
  status: number;
  /** JSON; null for no body. */
  body: Readonly<Record<string, unknown>> | null;
  /** With a refusal: its sentence, which the body holds too. */
  message?: string;
  /** With 405: the methods that the path takes. */
  allow?: string;
}

export interface RestCatalogOptions {
  /** Settings that a client gets with every table: how to reach the store. */
  clientConfig: Readonly<Record<string, string>>;
  /** Namespaces that exist even without tables. */
  namespaces: readonly string[];
}

export interface RestCatalog {
  /**
   * `segments`: the decoded parts of the path behind `/v1/`; `parent`: the namespace whose children are asked for. HEAD
   * gives the status of GET and no body.
   */
  answer(method: string, segments: readonly string[], parent?: string): Promise<RestAnswer>;
}

const ENDPOINTS = [
  "GET /v1/{prefix}/namespaces",
  "GET /v1/{prefix}/namespaces/{namespace}",
  "HEAD /v1/{prefix}/namespaces/{namespace}",
  "GET /v1/{prefix}/namespaces/{namespace}/tables",
  "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
  "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
  "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
];
/** Separates the levels of a namespace; ours have one. */
const LEVELS = "\u001f";

export function restCatalog(catalog: Catalog, options: RestCatalogOptions): RestCatalog {
  return {
    async answer(method, segments, parent) {
      const path = segments[0] === "config" ? segments : segments.slice(segments.indexOf("namespaces"));
      const isReport = path.length === 5 && path[4] === "metrics";
      if (isReport && method === "POST") return { status: 204, body: null };
      if (method !== "GET" && method !== "HEAD") {
        const allow = isReport ? "POST" : "GET, HEAD";
        return { ...refusal(405, "UnsupportedOperationException", "read only"), allow };
      }
      const answer = parent && path[0] === "namespaces" && path.length === 1
        ? childrenOf(parent, options)
        : await read(catalog, path, options);
      if (method === "GET") return answer;
      return { status: answer.status === 200 ? 204 : answer.status, body: null };
    },
  };
}

async function read(
  catalog: Catalog,
  [root, namespace, tables, name, ...rest]: readonly string[],
  options: RestCatalogOptions,
): Promise<RestAnswer> {
  if (root === "config") return ok({ defaults: {}, overrides: {}, endpoints: ENDPOINTS });
  if (root !== "namespaces" || rest.length > 0 || (tables !== undefined && tables !== "tables")) {
    return refusal(404, "NoSuchEndpointException", "there is no such endpoint");
  }
  if (namespace === undefined) {
    return ok({ namespaces: options.namespaces.map((one) => [one]), "next-page-token": null });
  }
  if (name !== undefined) return await readTable(catalog, { stage: namespace, name }, options);
  if (!options.namespaces.includes(namespace)) return missingNamespace(namespace);
  if (tables === undefined) return ok({ namespace: [namespace], properties: {} });
  const all = await catalog.list();
  const identifiers = all.filter(({ stage }) => stage === namespace)
    .map((one) => ({ namespace: [one.stage], name: one.name }));
  return ok({ identifiers, "next-page-token": null });
}

/** Namespaces have one level here, so that a namespace has no children. */
function childrenOf(parent: string, options: RestCatalogOptions): RestAnswer {
  const known = options.namespaces.includes(parent);
  return known ? ok({ namespaces: [], "next-page-token": null }) : missingNamespace(parent);
}

/** A namespace of two levels is what Spark asks for when it means a table's own tables (`events.snapshots`). */
async function readTable(
  catalog: Catalog,
  name: TableName,
  options: RestCatalogOptions,
): Promise<RestAnswer> {
  const known = options.namespaces.includes(name.stage) && /^[A-Za-z0-9_]+$/.test(name.name);
  const table = known ? await catalog.load(name) : null;
  if (!table) {
    const shown = `${name.stage.replaceAll(LEVELS, ".")}.${name.name}`;
    return refusal(404, "NoSuchTableException", `Table does not exist: ${shown}`);
  }
  return ok({
    "metadata-location": table.metadata_location,
    metadata: table.metadata,
    config: options.clientConfig,
  });
}

function missingNamespace(namespace: string): RestAnswer {
  return refusal(
    404,
    "NoSuchNamespaceException",
    `Namespace does not exist: ${namespace.replaceAll(LEVELS, ".")}`,
  );
}

function ok(body: Readonly<Record<string, unknown>>): RestAnswer {
  return { status: 200, body };
}

function refusal(code: number, type: string, message: string): RestAnswer {
  return { status: code, body: { error: { message, type, code } }, message };
}
