/** A table's past: a slider over its snapshots, what the chosen one holds, and how it differs from any other. */
import { type DataFile, fieldsOf, type FileList, type TableInfo } from "../engine/lake.ts";
import { getJson } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { h, replace } from "../shared/dom.ts";
import { ago, bytes, count, plural, utc } from "../shared/format.ts";
import { card, faultNotice, type PageContext } from "../shared/page.ts";
import { type Snapshot, snapshotsOf } from "../shared/snapshots.ts";
import { differenceOf } from "./snapshot_difference.ts";

/** The snapshot slider with what the chosen snapshot holds and what it changed. */
export function tablePast(table: TableInfo, context: PageContext, signal: AbortSignal): HTMLElement {
  const box = h("div", { class: "past" }, h("p", { class: "loading" }, "Loading…"));
  if (table.kind === "view") {
    replace(box, h("pre", { class: "view-sql" }, table.sql ?? ""));
    return card("Defined as", box);
  }
  const load = async () => {
    const snapshots = await snapshotsOf(table.name, signal);
    if (snapshots.length === 0) {
      replace(box, h("p", { class: "muted" }, "Nothing was ever written to this table."));
    } else replace(box, slider(table, snapshots, context, signal));
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
  const last = snapshots.length - 1;
  const input = h("input", {
    type: "range",
    min: 0,
    max: last,
    value: last,
    class: "snapshot-slider",
    "aria-label": "Snapshot",
  });
  const other = h(
    "select",
    { "aria-label": "Compare with" },
    h("option", { value: "" }, "the snapshot before"),
    ...snapshots.map((one, at) =>
      h("option", { value: at }, `${utc(one.committed_at)}, ${plural(one.rows, "row")}`)
    ).reverse(),
  );
  const chosen = h("div", { class: "snapshot", role: "status" });
  const changes = h("div", { class: "snapshot-changes" });
  let round = 0;
  const draw = () => {
    const at = Number(input.value);
    const snapshot = snapshots[at];
    const place = { at, total: snapshots.length };
    input.setAttribute(
      "aria-valuetext",
      `${utc(snapshot.committed_at)} UTC, ${count(at + 1)} of ${count(snapshots.length)}`,
    );
    replace(chosen, ...snapshotView(table, snapshot, place, context));
    const mine = ++round;
    const before = other.value === "" ? snapshots[at - 1] ?? null : snapshots[Number(other.value)];
    changesOf(table.name, before, snapshot, signal).then(
      (view) => mine === round && replace(changes, view),
      (error) => mine === round && !signal.aborted && replace(changes, faultNotice(error)),
    );
  };
  input.addEventListener("input", draw);
  other.addEventListener("change", draw);
  draw();
  const ends = h(
    "div",
    { class: "snapshot-ends muted" },
    h("span", {}, utc(snapshots[0].committed_at)),
    h("span", {}, utc(snapshots[last].committed_at)),
  );
  const comparison = h("label", { class: "field snapshot-other" }, "Compare with", other);
  return h("div", {}, input, ends, chosen, comparison, changes);
}

function snapshotView(
  table: TableInfo,
  snapshot: Snapshot,
  { at, total }: { at: number; total: number },
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
      `Snapshot ${count(at + 1)} of ${count(total)} kept: ${snapshot.operation}, ${
        plural(snapshot.rows, "row")
      }, id `,
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
    `${difference.rows >= 0 ? "+" : ""}${plural(difference.rows, "row")}` +
    (difference.schema.length > 0
      ? `; ${difference.schema.join("; ")}`
      : "; the columns stayed as they were");
  return h(
    "div",
    {},
    h("h3", {}, before ? `Against ${utc(before.committed_at)} UTC` : "The first snapshot"),
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
