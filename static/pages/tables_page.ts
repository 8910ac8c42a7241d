/** Tables: what each one holds, its columns in words, and its past: every snapshot, what changed, and a way to query it. */
import { fieldsOf, type SchemaField, type TableInfo } from "../engine/lake.ts";
import { typeName } from "../shared/type_name.ts";
import { getJson, type Page } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { append, h } from "../shared/dom.ts";
import { ago, bytes, count, duration, utc } from "../shared/format.ts";
import { card, type PageContext, pageHead, type ShowPage } from "../shared/page.ts";
import { hashOf, pageOf } from "../shared/place.ts";
import { tablePast } from "./table_past.ts";

export const show: ShowPage = async (place, context, signal) => {
  const { items } = await getJson<Page<TableInfo>>("/api/tables", { limit: 1000 }, signal);
  items.sort((a, b) => a.name.localeCompare(b.name));
  const chosen = items.find((table) => table.name === pageOf(location.hash).rest);
  place.append(
    pageHead(
      "Tables",
      "Apache Iceberg tables: open files that any engine reads, with snapshots of seven days for time travel.",
    ),
  );
  if (!chosen) place.append(h("div", { class: "card" }, overview(items)));
  else await showTable(place, chosen, context, signal);
};

function overview(tables: readonly TableInfo[]): HTMLElement {
  return dataTable<TableInfo>(
    [
      { name: "Table", cell: (one) => h("a", { href: hashOf("tables", one.name) }, one.name) },
      { name: "Kind", cell: (one) => one.kind },
      { name: "Rows", cell: (one) => count(one.rows), isNumber: true },
      { name: "Files", cell: (one) => count(one.files), isNumber: true },
      { name: "Size", cell: (one) => bytes(one.bytes), isNumber: true },
      { name: "Last commit", cell: (one) => one.committed_at ? ago(one.committed_at, Date.now()) : "–" },
      { name: "Watermark (UTC)", cell: (one) => utc(one.watermark) },
      { name: "Freshness", cell: (one) => duration(one.freshness_seconds), isNumber: true },
    ],
    tables,
    { caption: "Tables", empty: "No tables yet: they appear with the first events." },
  );
}

async function showTable(
  place: HTMLElement,
  table: TableInfo,
  context: PageContext,
  signal: AbortSignal,
): Promise<void> {
  const detail = await getJson<{ schema?: Parameters<typeof fieldsOf>[0]; metadata_location?: string }>(
    `/api/tables/${encodeURIComponent(table.name)}`,
    {},
    signal,
  );
  const back = h("p", {}, h("a", { href: hashOf("tables") }, "All tables"), " / ", h("b", {}, table.name));
  const columns = card("Columns", columnTable(fieldsOf(detail.schema)));
  append(place, back, h("div", { class: "table-page" }, columns, tablePast(table, context, signal)));
  if (detail.metadata_location) {
    const location = h("code", {}, detail.metadata_location);
    place.append(h("p", { class: "muted metadata" }, "Current metadata: ", location));
  }
}

function columnTable(fields: readonly SchemaField[]): HTMLElement {
  return dataTable<SchemaField>(
    [
      { name: "Column", cell: (one) => h("code", {}, one.name) },
      { name: "Type", cell: (one) => h("code", { class: "muted" }, typeName(one.type)) },
      { name: "Meaning", cell: (one) => one.doc },
    ],
    fields,
    { caption: "Columns", empty: "The columns of a view are those of its query." },
  );
}
