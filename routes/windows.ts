/** `/api/windows`: the windows in force, each with the table and the view that hold its rows. */
import { Hono } from "hono";
import type { WindowDefinition } from "../lib/stream/window_definition.ts";
import { ANY_TEXT, cutList, pageRequest } from "./cursor.ts";
import type { Env } from "./door.ts";

export interface WindowsDeps {
  windows(): readonly WindowDefinition[];
}

export function windows({ windows }: WindowsDeps): Hono<Env> {
  return new Hono<Env>().get("/api/windows", (c) => {
    const items = windows().map((window) => ({
      ...window,
      view: `analytics.${window.name}`,
      table: `analytics.${window.name}_revisions`,
    })).sort((a, b) => (a.name < b.name ? -1 : 1));
    return c.json(cutList(items, pageRequest(c, [ANY_TEXT]), { keyOf: ({ name }) => name }));
  });
}
