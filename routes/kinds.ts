/** `/api/kinds`: what an event of each kind must hold, with an example and a sentence for every column. */
import { Hono } from "hono";
import { evolvedColumns } from "../lib/event/column_change.ts";
import { COMMON_COLUMNS } from "../lib/event/common_columns.ts";
import { ANY_EVENT, type Kinds } from "../lib/event/kinds.ts";
import type { Kind } from "../lib/event/kind.ts";
import { RAW_EVENT_COLUMNS, RAW_EVENTS } from "../lib/event/raw_event.ts";
import type { Catalog } from "../lib/iceberg/catalog.ts";
import { currentSchema } from "../lib/iceberg/metadata.ts";
import { evolutionOf } from "../lib/lake/evolution.ts";
import { ANY_TEXT, cutList, pageRequest } from "./cursor.ts";
import type { Env } from "./door.ts";
import { problem } from "./problem.ts";

export interface KindsDeps {
  kinds(): Kinds;
  /** Where the tables can be looked at: their columns may have been changed. */
  lake?: { catalog: Pick<Catalog, "load"> };
}

export function kinds({ kinds, lake }: KindsDeps): Hono<Env> {
  return new Hono<Env>()
    .get("/api/kinds", (c) => {
      const items = [...kinds().values()].map(({ name, doc, table }) => ({
        name,
        doc,
        table: tableOf(table),
      }));
      items.sort((a, b) => (a.name < b.name ? -1 : 1));
      return c.json(cutList(items, pageRequest(c, [ANY_TEXT]), { keyOf: ({ name }) => name }));
    })
    .get("/api/kinds/:kind", async (c) => {
      const all = kinds();
      const name = c.req.param("kind");
      if (name === ANY_EVENT) return c.json(ANYTHING);
      const kind = all.get(name);
      if (kind) return c.json(about(kind, await ownColumns(kind, lake?.catalog)));
      const names = [...all.keys(), ANY_EVENT].join(", ");
      return problem({
        status: 404,
        detail: `There is no such kind. Known are ${names}.`,
        code: "unknown_kind",
      });
    });
}

const ANYTHING_DOC =
  "Any JSON object: it becomes no row of its own, is kept in raw.events as unmapped, and can be " +
  "replayed once a kind for it exists (main.ts replay raw --kind).";

/** What may come under the name that is no kind. Not in the list of kinds, which have tables of their own. */
const ANYTHING = {
  name: ANY_EVENT,
  doc: ANYTHING_DOC,
  table: RAW_EVENTS,
  partition_fields: [],
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: ANY_EVENT,
    description: ANYTHING_DOC,
    type: "object",
    additionalProperties: true,
  },
  example: { event_id: "evt_1", what: "ever" },
  columns: RAW_EVENT_COLUMNS.map(({ name, type, doc }) => ({ name, type, doc })),
};

function about(kind: Kind, own: readonly AboutColumn[]) {
  const { name, doc, table, schema, example, partition } = kind;
  const columns = [...COMMON_COLUMNS, ...own].map(({ name, type, doc }) => ({ name, type, doc }));
  return { name, doc, table: tableOf(table), partition_fields: partition, schema, example, columns };
}

type AboutColumn = { name: string; type: unknown; doc?: string };

/** As the table has them, when they were changed (main.ts evolve). */
async function ownColumns(kind: Kind, catalog?: Pick<Catalog, "load">): Promise<readonly AboutColumn[]> {
  const table = await catalog?.load({ stage: "processed", name: kind.table });
  const changes = table ? evolutionOf(table.metadata) : [];
  if (!table || changes.length === 0) return kind.columns;
  const names = new Set(evolvedColumns(kind, changes).map((column) => column.name));
  return currentSchema(table.metadata).fields.filter((field) => names.has(field.name));
}

function tableOf(table: string): string {
  return `processed.${table}`;
}
