/** The API's description as a page without scripts: what there is, who may, what it takes. */
import { type Access, givenStatuses, otherStatuses, type Route } from "./api_route.ts";
import { SCHEMAS } from "./api_schemas.ts";
import type { Schema } from "./json_schema.ts";

export const STYLE =
  `:root{color-scheme:light dark;--line:#d9dde5;--soft:#f4f5f8;--ink:#182126;--dim:#5a6475;--key:#0b7285}
@media(prefers-color-scheme:dark){:root{--line:#303846;--soft:#1b2029;--ink:#e6e9ef;--dim:#9aa5b8;--key:#4fc3d4}
body{background:#0e1316}}*{box-sizing:border-box}body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);margin:0 auto;
max-width:62rem;padding:2rem 1.25rem 4rem}a{color:var(--key)}h1{margin:0 0 .25rem}h2{margin:2.5rem 0 .75rem}
nav a{margin-right:1rem}article{border:1px solid var(--line);border-radius:10px;padding:1rem 1.25rem;margin:.75rem 0}
h3{font:600 1rem/1.4 ui-monospace,monospace;margin:0;overflow-wrap:anywhere}h3 b{color:var(--key);margin-right:.5rem}
p{margin:.4rem 0}.dim{color:var(--dim);font-size:.9rem}table{border-collapse:collapse;width:100%;margin:.6rem 0 0}
td,th{text-align:left;padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);vertical-align:top;font-size:.92rem}
code,pre{font:.9rem/1.5 ui-monospace,monospace}pre{background:var(--soft);padding:.75rem 1rem;border-radius:8px;overflow-x:auto}`;

const WHO: Record<Access, string> = {
  open: "Open to all.",
  signed: "Proven by the sender's signature.",
  ingest: "Needs an ingest token, where tokens are set.",
  read: "Needs READ_TOKEN or API_TOKEN, where they are set.",
  admin: "Needs API_TOKEN, where it is set.",
};

const introduction = (base: string) =>
  `curl -H 'content-type: application/json' ${base}/ingest/transaction \\
  -d '{"event_id":"e1","timestamp":"2026-01-31T09:30:00Z","user_id":"u1","amount":"19.99","currency":"EUR","status":"completed"}'
curl ${base}/api/query -d 'SELECT count(*) FROM transactions'`;

/** `base` is the address of this server as the reader has it. */
export function docsPage(routes: readonly Route[], base: string): string {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  const sections = tags.map((tag) =>
    `<section id="${idOf(tag)}"><h2>${escaped(tag)}</h2>` +
    routes.filter((route) => route.tag === tag).map(articleOf).join("") + "</section>"
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Millrace: HTTP API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style></head><body>
<header><h1>HTTP API</h1><p class="dim">Errors are RFC 9457 problems, times are ISO 8601 with Z, lists are
<code>{items, cursor}</code>. For programs: <a href="/openapi.json">openapi.json</a>.</p>
<nav>${tags.map((tag) => `<a href="#${idOf(tag)}">${escaped(tag)}</a>`).join("")}</nav>
<pre>${escaped(introduction(base))}</pre></header><main>${sections.join("")}</main></body></html>`;
}

function articleOf(route: Route): string {
  const { method, path, doc, access, parameters = [], takes, gives } = route;
  const body = takes
    ? `<p class="dim">Takes ${takes.map((type) => `<code>${escaped(type)}</code>`).join(", ")}.</p>`
    : "";
  const codes = [...givenStatuses(route), ...otherStatuses(route)].map((code) => `<code>${code}</code>`).join(
    " ",
  );
  return `<article><h3><b>${method}</b>${escaped(path)}</h3><p>${withCode(doc)}</p>
<p class="dim">${WHO[access]} Gives <code>${
    escaped(gives?.type ?? "application/json")
  }</code>. ${codes}</p>${body}${tableOf([...parameters, ...bodyFields(route)])}</article>`;
}

interface Told {
  name: string;
  in: string;
  doc: string;
}

/** What the JSON of a body may say. */
function bodyFields({ asks }: Route): Told[] {
  const properties = asks === undefined ? {} : SCHEMAS[asks].properties as Record<string, Schema>;
  return Object.entries(properties).map(([name, { description }]) => ({
    name,
    in: "body",
    doc: String(description),
  }));
}

function tableOf(told: readonly Told[]): string {
  if (told.length === 0) return "";
  const rows = told.map((one) =>
    `<tr><td><code>${escaped(one.name)}</code></td><td class="dim">${one.in}</td><td>${
      withCode(one.doc)
    }</td></tr>`
  );
  return `<table>${rows.join("")}</table>`;
}

/** Words between backticks are code. */
function withCode(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function idOf(tag: string): string {
  return tag.toLowerCase().replace(/[^a-z]+/g, "-");
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
