/** Tables: what each one holds, its columns in words, and its past: every snapshot, what changed, and a way to query it. */
import { type DataFile, fieldsOf, type FileList, type SchemaField, type TableInfo } from "../engine/lake.ts";
import { typeName } from "../shared/type_name.ts";
import { getJson, type Page } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { append, h, replace } from "../shared/dom.ts";
import { ago, bytes, count, duration, plural, utc } from "../shared/format.ts";
import { card, faultNotice, type PageContext, pageHead, type ShowPage } from "../shared/page.ts";
import { hashOf, pageOf } from "../shared/place.ts";
import { differenceOf } from "./snapshot_difference.ts";

interface Snapshot {
  snapshot_id: string | number;
  committed_at: string;
  operation: string;
  rows: number | string | null;
}

export const show: ShowPage = async (place, context, signal) => {
  const { items } = await getJson<Page<TableInfo>>("/api/tables", { limit: 1000 }, signal);
  items.sort((a, b) => a.name.localeCompare(b.name));
  const chosen = items.find((table) => table.name === pageOf(location.hash).rest);
  place.append(
    pageHead(
      "Tables",
      "Apache Iceberg tables: open files that any engine reads, with every snapshot kept for time travel.",
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
  append(place, back, h("div", { class: "table-page" }, columns, past(table, context, signal)));
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

/** The snapshot slider with what the chosen snapshot holds and what it changed. */
function past(table: TableInfo, context: PageContext, signal: AbortSignal): HTMLElement {
  const box = h("div", { class: "past" }, h("p", { class: "loading" }, "Loading…"));
  if (table.kind === "view") {
    replace(box, h("pre", { class: "view-sql" }, table.sql ?? ""));
    return card("Defined as", box);
  }
  const load = async () => {
    const path = `/api/tables/${encodeURIComponent(table.name)}/snapshots`;
    const { items } = await getJson<Page<Snapshot>>(path, { limit: 1000 }, signal);
    items.sort((a, b) => a.committed_at.localeCompare(b.committed_at));
    if (items.length === 0) {
      replace(box, h("p", { class: "muted" }, "Nothing was ever written to this table."));
    } else replace(box, slider(table, items, context, signal));
  };
  load().catch((error) => signal.aborted || replace(box, faultNotice(error)));
  return card("Snapshots", box);
}

function slider(
  table: TableInfo,
  snapshots: readonly Snapshot[],
  context: PageContext,
  signal: AbortSignal,
): HTMLElement {
  const input = h("input", {
    type: "range",
    min: 0,
    max: snapshots.length - 1,
    value: snapshots.length - 1,
    class: "snapshot-slider",
    "aria-label": "Snapshot",
  });
  const chosen = h("div", { class: "snapshot", role: "status" });
  const changes = h("div", { class: "snapshot-changes" });
  let round = 0;
  const draw = () => {
    const at = Number(input.value);
    const snapshot = snapshots[at];
    input.setAttribute(
      "aria-valuetext",
      `${utc(snapshot.committed_at)} UTC, ${at + 1} of ${snapshots.length}`,
    );
    replace(chosen, ...snapshotView(table, snapshot, at, snapshots.length, context));
    const mine = ++round;
    changesOf(table.name, snapshots[at - 1] ?? null, snapshot, signal).then(
      (view) => mine === round && replace(changes, view),
      (error) => mine === round && !signal.aborted && replace(changes, faultNotice(error)),
    );
  };
  input.addEventListener("input", draw);
  draw();
  const ends = h(
    "div",
    { class: "snapshot-ends muted" },
    h("span", {}, utc(snapshots[0].committed_at)),
    h("span", {}, utc(snapshots[snapshots.length - 1].committed_at)),
  );
  return h("div", {}, input, ends, chosen, changes);
}

function snapshotView(
  table: TableInfo,
  snapshot: Snapshot,
  at: number,
  total: number,
  context: PageContext,
): Node[] {
  const query = h("button", { type: "button", class: "button" }, "Query the table as of then");
  query.addEventListener(
    "click",
    () =>
      context.openQuery({
        title: `${table.name} then`,
        sql: `SELECT *\nFROM ${table.name}\nLIMIT 1000;\n`,
        as_of: snapshot.committed_at,
      }),
  );
  return [
    h(
      "p",
      {},
      h("b", {}, `${utc(snapshot.committed_at)} UTC`),
      ` (${ago(snapshot.committed_at, Date.now())})`,
    ),
    h(
      "p",
      { class: "muted" },
      `Snapshot ${at + 1} of ${total}: ${snapshot.operation}, ${count(snapshot.rows)} rows, id `,
      h("code", {}, String(snapshot.snapshot_id)),
    ),
    query,
  ];
}

async function changesOf(
  table: string,
  before: Snapshot | null,
  after: Snapshot,
  signal: AbortSignal,
): Promise<HTMLElement> {
  const files = (snapshot: Snapshot) =>
    getJson<FileList>(`/api/tables/${encodeURIComponent(table)}/files`, {
      snapshot: String(snapshot.snapshot_id),
    }, signal);
  const [old, now] = await Promise.all([before ? files(before) : null, files(after)]);
  const difference = differenceOf(old && { ...old, schema: fieldsOf(old.schema) }, {
    ...now,
    schema: fieldsOf(now.schema),
  });
  const list = [
    ...difference.added.map((file) => ({ change: "added", file })),
    ...difference.removed.map((file) => ({ change: "removed", file })),
  ];
  const sentence =
    `${plural(difference.added.length, "file")} added, ${difference.removed.length} removed, ` +
    `${difference.rows >= 0 ? "+" : ""}${count(difference.rows)} rows` +
    (difference.schema.length > 0
      ? `; ${difference.schema.join("; ")}`
      : "; the columns stayed as they were");
  return h(
    "div",
    {},
    h("h3", {}, before ? "Against the snapshot before" : "The first snapshot"),
    h("p", { class: "muted" }, `${sentence}.`),
    dataTable<{ change: string; file: DataFile }>(
      [
        { name: "File", cell: (one) => h("code", {}, one.file.name) },
        { name: "Change", cell: (one) => one.change },
        { name: "Rows", cell: (one) => count(one.file.rows), isNumber: true },
        { name: "Size", cell: (one) => bytes(one.file.size_bytes), isNumber: true },
      ],
      list,
      { caption: "Changed files", empty: "No file changed." },
    ),
  );
}
