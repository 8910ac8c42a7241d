/** `/openapi.json` and `/docs`: the API's description, for programs and for people, made from one table of routes. */
import { createHash } from "node:crypto";
import { Hono } from "hono";
import { CONTROL_ROUTES } from "./api_control_routes.ts";
import { DATA_ROUTES } from "./api_data_routes.ts";
import type { Settings } from "../lib/config.ts";
import { givenStatuses, otherStatuses, type Parameter, type Route } from "./api_route.ts";
import { SCHEMAS } from "./api_schemas.ts";
import type { Env } from "./door.ts";
import { docsPage, STYLE } from "./docs_page.ts";
import type { Schema } from "./json_schema.ts";
import { formPolicy } from "./security_headers.ts";

export const ROUTES: readonly Route[] = [...DATA_ROUTES, ...CONTROL_ROUTES];

const STATUS_WORDS: Record<number, string> = {
  200: "Done.",
  202: "Durable.",
  204: "Done; there is nothing to say.",
  206: "A range.",
  303: "Go on there.",
  304: "Unchanged.",
  307: "Straight from the store.",
  400: "Something in the request cannot be read.",
  401: "No token, a wrong one, or a signature that proves nothing.",
  403: "Not with this token, or from another origin.",
  404: "Not there.",
  405: "Read only.",
  408: "Too slow.",
  410: "Deleted by now.",
  413: "Too large.",
  415: "Another content type, or an encoded body.",
  416: "Outside the file.",
  421: "Another Host.",
  422: "More than a query may use.",
  429: "Too many; Retry-After says when.",
  431: "Too large a header.",
  503: "Not now; Retry-After says when, where that is known.",
};
const WITHOUT_BODY = [204, 303];

export function openapi({ settings }: { settings: Pick<Settings, "PUBLIC_URL"> }): Hono<Env> {
  const description = JSON.stringify(openapiDocument());
  const policy = formPolicy(createHash("sha256").update(STYLE).digest("base64"));
  return new Hono<Env>()
    .get("/openapi.json", (c) => c.body(description, 200, { "content-type": "application/json" }))
    .get("/docs", (c) => {
      const { origin } = new URL(settings.PUBLIC_URL ?? c.req.url);
      return c.html(docsPage(ROUTES, origin), 200, { "content-security-policy": policy });
    });
}

export function openapiDocument() {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: "3.1.0",
    info: {
      title: "Millrace",
      version: "1",
      description: "Webhooks and events in, an open lakehouse out. Errors are RFC 9457 problems; " +
        "times are ISO 8601 with Z; lists are {items, cursor}.",
    },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: "millrace_session" },
      },
    },
  };
}

function operation(route: Route) {
  const { type, schema } = route.gives ?? { type: "application/json" };
  const answers: Record<string, unknown> = {};
  for (const code of givenStatuses(route)) {
    answers[code] = {
      description: STATUS_WORDS[code],
      ...(WITHOUT_BODY.includes(code) ? {} : { content: content([type], schema) }),
    };
  }
  for (const code of otherStatuses(route)) {
    answers[code] = code < 400
      ? { description: STATUS_WORDS[code] }
      : { description: STATUS_WORDS[code], content: content(["application/problem+json"], "Problem") };
  }
  return {
    tags: [route.tag],
    summary: route.doc,
    operationId: operationId(route),
    ...(route.access === "read" || route.access === "admin" || route.access === "ingest"
      ? { security: [{ token: [] }, ...(route.access === "ingest" ? [] : [{ session: [] }])] }
      : { security: [] }),
    ...(route.parameters ? { parameters: route.parameters.map(parameter) } : {}),
    ...(route.takes ? { requestBody: { required: false, content: content(route.takes, route.asks) } } : {}),
    responses: answers,
  };
}

/** Only JSON has a shape to tell. */
function content(types: readonly string[], schema?: string): Record<string, { schema: Schema }> {
  const shape = (type: string): Schema =>
    schema && type.endsWith("json") ? { $ref: `#/components/schemas/${schema}` } : {};
  return Object.fromEntries(types.map((type) => [type, { schema: shape(type) }]));
}

function parameter({ name, in: place, doc, schema = { type: "string" } }: Parameter) {
  return { name, in: place, description: doc, required: place === "path", schema };
}

function operationId({ method, path }: Route): string {
  const words = path.replace(/[{}]/g, "").split(/[^a-zA-Z0-9]+/).filter(Boolean);
  return [method.toLowerCase(), ...words].join("_");
}
