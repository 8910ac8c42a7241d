/** A plain table from rows and columns, for lists of some hundreds of rows. Cells are text or elements, never HTML. */
import { append, h } from "./dom.ts";

export interface TableColumn<Row> {
  name: string;
  cell: (row: Row) => Node | string | number | null | undefined;
  isNumber?: boolean;
  /** Stands in the head beside the name, which then is for screen readers. */
  head?: Node;
}

export interface TableOptions<Row> {
  caption: string;
  empty: string;
  /** The first cell that is no control is then a button that opens the row. */
  open?: (row: Row) => void;
}

export function dataTable<Row>(
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  options: TableOptions<Row>,
): HTMLElement {
  if (rows.length === 0) return h("p", { class: "table-empty muted" }, options.empty);
  const head = h(
    "tr",
    {},
    ...columns.map((one) =>
      h(
        "th",
        { scope: "col", class: one.isNumber ? "number" : "" },
        one.head ? h("span", { class: "visually-hidden" }, one.name) : one.name,
        one.head,
      )
    ),
  );
  const body = h("tbody", {}, ...rows.map((row) => tableRow(columns, row, options)));
  const caption = h("caption", { class: "visually-hidden" }, options.caption);
  const table = h("table", { class: "plain" }, caption, h("thead", {}, head), body);
  return h("div", { class: "scroll-x", tabindex: 0, role: "region", "aria-label": options.caption }, table);
}

function tableRow<Row>(
  columns: readonly TableColumn<Row>[],
  row: Row,
  options: TableOptions<Row>,
): HTMLElement {
  const element = h("tr");
  const opener = columns.findIndex((column) => !column.head);
  for (const [at, column] of columns.entries()) {
    const cell = h("td", { class: column.isNumber ? "number" : "" });
    const content = column.cell(row) ?? "–";
    if (at === opener && options.open) {
      const open = options.open;
      cell.append(
        h("button", { type: "button", class: "link-button", on: { click: () => open(row) } }, content),
      );
    } else append(cell, content);
    element.append(cell);
  }
  return element;
}
