/** `/api/kinds`: what an event of each kind must hold, with an example and a sentence for every column. */
import { Hono } from "hono";
import { COMMON_COLUMNS } from "../lib/event/common_columns.ts";
import { ANY_EVENT, type Kinds } from "../lib/event/kinds.ts";
import type { Kind } from "../lib/event/kind.ts";
import { cutList, pageRequest } from "./cursor.ts";
import type { Env } from "./door.ts";
import { problem } from "./problem.ts";

export interface KindsDeps {
  kinds(): Kinds;
}

export function kinds({ kinds }: KindsDeps): Hono<Env> {
  return new Hono<Env>()
    .get("/api/kinds", (c) => {
      const items = [...kinds().values()].map(({ name, doc, table }) => ({
        name,
        doc,
        table: tableOf(table),
      }));
      items.sort((a, b) => (a.name < b.name ? -1 : 1));
      return c.json(cutList(items, pageRequest(c.req.query(), 1), { keyOf: ({ name }) => name }));
    })
    .get("/api/kinds/:kind", (c) => {
      const all = kinds();
      const kind = all.get(c.req.param("kind"));
      if (kind) return c.json(about(kind));
      const names = [...all.keys(), ANY_EVENT].join(", ");
      return problem({
        status: 404,
        detail: `There is no such kind. Known are ${names}.`,
        code: "unknown_kind",
      });
    });
}

function about(kind: Kind) {
  const { name, doc, table, schema, example, partition } = kind;
  const columns = [...COMMON_COLUMNS, ...kind.columns].map(({ name, type, doc }) => ({ name, type, doc }));
  return { name, doc, table: tableOf(table), partition_fields: partition, schema, example, columns };
}

function tableOf(table: string): string {
  return `processed.${table}`;
}
