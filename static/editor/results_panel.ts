/** What a run gave: its numbers, the choice among several results, grid or chart, filter, export, and messages. */
import { messageOf } from "../../lib/errors.ts";
import type { ResultColumn, Rows } from "../engine/result.ts";
import { type Cell, cellText } from "../engine/values.ts";
import { copyText } from "../shared/clipboard.ts";
import { openDialog } from "../shared/dialog.ts";
import { announce, h, replace } from "../shared/dom.ts";
import { local, plural } from "../shared/format.ts";
import { DataGrid, type GridSource } from "../shared/grid.ts";
import type { SortMark } from "../shared/grid_header.ts";
import { filteredOrder, sortedOrder } from "../shared/ordering.ts";
import type { ChartView } from "./chart_view.ts";
import type { ExportFormat } from "./export.ts";
import { cellView } from "./cell_view.ts";
import { summaryOf } from "./result_summary.ts";
import type { Outcome } from "./query_run.ts";
import { rowFilter } from "./row_filter.ts";

const DRAW_EVERY_MS = 120;
const MAX_COPIED_CELLS = 2_000_000;

export class ResultsPanel {
  readonly element: HTMLElement;
  readonly grid = new DataGrid();
  /** The newest commit among what the rows were read from; null before there are any. */
  committedAt: string | null = null;
  /** Comes with the first chart: it brings a library. */
  #chart: ChartView | null = null;
  #chartPlace = h("div", { class: "chart-place", hidden: true });
  #rows: Rows | null = null;
  /** Row numbers in sight, in their order; null when all are, as they came. */
  #order: Uint32Array | null = null;
  #sort: SortMark | null = null;
  #arranging = new AbortController();
  #choice = h("div", { class: "results-choice", role: "group", "aria-label": "Results" });
  /** Screen readers say it when it stands still. */
  #summary = h("p", { class: "results-summary number", role: "status" });
  #messages = h("div", { class: "messages" });
  #empty = h(
    "p",
    { class: "results-empty" },
    "Results appear here. A CSV, JSON or Parquet file dropped onto this page becomes a table of it.",
  );
  #filter = h("input", {
    type: "search",
    class: "results-filter",
    placeholder: "Filter: word, column:word, amount>100",
    "aria-label": "Filter the result",
  });
  #chartButton = h(
    "button",
    { type: "button", class: "button quiet small", "aria-pressed": "false" },
    "Chart",
  );
  #export = h("select", { class: "results-export", "aria-label": "Export the result" }, ...exportOptions());
  #tools = h("div", { class: "results-tools", hidden: true }, this.#filter, this.#chartButton, this.#export);
  #outcome: Outcome | null = null;
  #drawnAt = 0;
  #run = 0;

  constructor(
    readonly exportAs: (rows: Rows, order: Uint32Array | null, format: ExportFormat) => Promise<void>,
  ) {
    this.grid.hidden = true;
    this.grid.setAttribute("aria-label", "Result");
    const bar = h("div", { class: "results-bar" }, this.#summary, this.#choice, this.#tools);
    this.element = h(
      "section",
      { class: "results", "aria-label": "Results" },
      this.#messages,
      bar,
      this.#empty,
      this.#chartPlace,
      this.grid,
    );
    this.#listen();
  }

  #listen(): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.#filter.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#arrange(), 200);
    });
    this.#chartButton.addEventListener("click", () => this.#toggleChart());
    this.#export.addEventListener("change", () => this.#exportChosen());
    this.grid.addEventListener("grid-sort", (event) => this.#sortBy((event as CustomEvent).detail.column));
    this.grid.addEventListener("grid-open", (event) => this.#open((event as CustomEvent).detail));
    this.grid.addEventListener("grid-copy", (event) => this.#copy((event as CustomEvent).detail));
  }

  /** Gives the number of the run that this panel belongs to from now on. */
  begin(): number {
    this.#arranging.abort();
    this.#outcome = null;
    replace(this.#messages);
    replace(this.#choice);
    this.#tools.hidden = true;
    this.#summary.textContent = "Running…";
    this.#summary.ariaBusy = "true";
    return ++this.#run;
  }

  /** Whether no other run has taken the panel over. */
  belongsTo(run: number): boolean {
    return run === this.#run;
  }

  /** Says why there is nothing to see yet. */
  waiting(sentence: string): void {
    this.#empty.textContent = sentence;
  }

  started(rows: Rows): void {
    this.#take(rows, false);
  }

  grown(rows: Rows): void {
    if (performance.now() - this.#drawnAt < DRAW_EVERY_MS && rows.rowCount > 200) return;
    this.#drawnAt = performance.now();
    this.#take(rows, true);
    this.#summary.textContent = `${plural(rows.rowCount, "row")} so far…`;
  }

  finished(outcomes: readonly Outcome[]): void {
    const withRows = outcomes.filter((one) => one.result !== null);
    this.#choose(withRows.at(-1) ?? outcomes[outcomes.length - 1], withRows);
    this.#summary.ariaBusy = "false";
  }

  /** A message that screen readers say at once. */
  message(kind: "bad" | "warn" | "good", ...content: (Node | string)[]): void {
    if (this.#summary.textContent === "Running…") this.#summary.textContent = "";
    this.#messages.append(h("div", { role: "alert", class: `notice ${kind}` }, ...content));
  }

  /** Nothing came of the run: what the grid shows is no answer to it. */
  failed(): void {
    this.#summary.textContent = "";
    this.#summary.ariaBusy = "false";
    this.#hideRows();
  }

  #hideRows(): void {
    this.grid.hidden = true;
    this.#chartPlace.hidden = true;
  }

  #choose(outcome: Outcome, all: readonly Outcome[]): void {
    this.#outcome = outcome;
    if (outcome.result) this.#take(outcome.result, false);
    else this.#hideRows();
    this.#tools.hidden = outcome.result === null;
    this.#summary.textContent = summaryOf(outcome);
    const buttons = all.length < 2 ? [] : all.map((one, at) =>
      h("button", {
        type: "button",
        class: "button quiet small",
        "aria-pressed": String(one === outcome),
        title: one.statement.text.slice(0, 300),
        on: { click: () => this.#choose(one, all) },
      }, `Result ${at + 1}`)
    );
    replace(this.#choice, ...buttons);
  }

  #take(rows: Rows, keepPlace: boolean): void {
    if (this.#rows !== rows) {
      this.#order = null;
      this.#sort = null;
      this.#filter.value = "";
    }
    this.#rows = rows;
    this.#empty.hidden = true;
    this.#showView(keepPlace);
  }

  #showView(keepPlace: boolean): void {
    if (!this.#rows) return;
    const isChart = this.#chartButton.getAttribute("aria-pressed") === "true";
    this.grid.hidden = isChart;
    this.#chartPlace.hidden = !isChart;
    if (isChart) this.#chart?.show(this.#rows, this.#order);
    else this.grid.show(sourceOf(this.#rows, this.#order), { keepPlace, sort: this.#sort });
  }

  async #toggleChart(): Promise<void> {
    const isChart = this.#chartButton.getAttribute("aria-pressed") !== "true";
    if (isChart && !this.#chart) {
      const { ChartView } = await import("./chart_view.ts");
      this.#chart = new ChartView();
      this.#chartPlace.append(this.#chart.element);
    }
    this.#chartButton.setAttribute("aria-pressed", String(isChart));
    this.#showView(true);
  }

  /** Nothing while rows still come: an order of those that are there would hide the others. */
  #sortBy(column: number): void {
    if (!this.#outcome) return;
    const isSame = this.#sort?.column === column;
    if (isSame && this.#sort?.isDescending) this.#sort = null;
    else this.#sort = { column, isDescending: isSame };
    this.#arrange();
  }

  /** Filters, then sorts, over the whole result. */
  async #arrange(): Promise<void> {
    const rows = this.#rows;
    if (!rows) return;
    this.#arranging.abort();
    this.#arranging = new AbortController();
    const { signal } = this.#arranging;
    try {
      const matches = rowFilter(this.#filter.value, rows);
      let order = matches ? await filteredOrder(rows.rowCount, matches, signal) : null;
      if (this.#sort) {
        order = await sortedOrder(sortKeys(rows, this.#sort.column), order, this.#sort.isDescending, signal);
      }
      if (signal.aborted || rows !== this.#rows) return;
      this.#order = order;
      this.#showView(false);
      const shown = matches ? ` · ${plural(order?.length ?? 0, "row matches", "rows match")}` : "";
      if (this.#outcome) this.#summary.textContent = summaryOf(this.#outcome) + shown;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #open({ row, column }: { row: number; column: number }): void {
    const rows = this.#rows;
    if (!rows || row >= (this.#order?.length ?? rows.rowCount)) return;
    const at = this.#order?.[row] ?? row;
    openDialog(`${rows.columns[column].name}, row ${row + 1}`, cellView(rows, at, column)).classList.add(
      "wide",
    );
  }

  async #copy(range: { rows: [number, number]; columns: [number, number] }): Promise<void> {
    const rows = this.#rows;
    if (!rows || rows.rowCount === 0) return;
    const [from, to] = range.rows;
    const cells = (to - from + 1) * (range.columns[1] - range.columns[0] + 1);
    if (cells > MAX_COPIED_CELLS) return announce("Too many cells to copy: export the result instead");
    const lines: string[] = [];
    for (let row = from; row <= to; row++) {
      lines.push(copiedLine(rows, this.#order?.[row] ?? row, range.columns));
    }
    const fault = await copyText(lines.join("\n"));
    if (fault) this.message("bad", fault);
    else announce(`${plural(cells, "cell")} copied`);
  }

  async #exportChosen(): Promise<void> {
    const format = this.#export.value as ExportFormat;
    this.#export.value = "";
    if (!this.#outcome?.result) return;
    try {
      await this.exportAs(this.#outcome.result, this.#order, format);
    } catch (error) {
      this.message("bad", messageOf(error));
    }
  }
}

function exportOptions(): HTMLElement[] {
  const formats: [ExportFormat | "", string][] = [
    ["", "Export…"],
    ["csv", "CSV"],
    ["json", "JSON lines"],
    ["parquet", "Parquet"],
    ["arrow", "Arrow"],
  ];
  return formats.map(([value, label]) => h("option", { value }, label));
}

function sourceOf(rows: Rows, order: Uint32Array | null): GridSource {
  const at = (row: number) => order ? order[row] : row;
  return {
    columns: rows.columns.map((column) => ({ ...column, isRight: column.kind === "number" })),
    rowCount: order?.length ?? rows.rowCount,
    text: (row, column) => rows.text(at(row), column),
    title: (row, column) => localTime(rows.columns[column], rows.text(at(row), column)),
  };
}

/** A UTC time as it is where the reader is. */
function localTime(column: ResultColumn, text: string | null): string {
  if (text === null || !column.type.startsWith("TIMESTAMP")) return "";
  return `${text} UTC is ${local(`${text.replace(" ", "T")}Z`)} here`;
}

function sortKeys(rows: Rows, column: number) {
  const { kind, type } = rows.columns[column];
  const isExact = /^DECIMAL|INT/.test(type);
  const key = (cell: Cell): number | bigint | string | null => {
    if (cell === null) return null;
    if (typeof cell === "number" || typeof cell === "bigint") return cell;
    const text = cellText(cell);
    if (kind !== "number") return text;
    return isExact ? BigInt(text.replace(".", "")) : Number(text);
  };
  return { rowCount: rows.rowCount, key: (row: number) => key(rows.cell(row, column)) };
}

function copiedLine(rows: Rows, row: number, [from, to]: [number, number]): string {
  const cells: string[] = [];
  for (let column = from; column <= to; column++) {
    const text = rows.text(row, column) ?? "";
    cells.push(/[\t\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  }
  return cells.join("\t");
}
