/** What a run gave: its numbers, the choice among several results, the grid, and messages. */
import type { Result } from "../engine/result.ts";
import { announce, h, replace } from "../shared/dom.ts";
import { bytes, count, local, milliseconds } from "../shared/format.ts";
import { DataGrid, type GridSource } from "../shared/grid.ts";
import type { Outcome } from "./query_run.ts";

const DRAW_EVERY_MS = 120;

export class ResultsPanel {
  readonly element: HTMLElement;
  readonly grid = new DataGrid();
  #bar = h("div", { class: "results-bar" });
  #choice = h("div", { class: "results-choice", role: "group", "aria-label": "Results" });
  #summary = h("p", { class: "results-summary number" });
  #messages = h("div", { class: "messages" });
  #empty = h("p", { class: "results-empty" }, "Results appear here.");
  #drawnAt = 0;

  constructor() {
    this.grid.hidden = true;
    this.grid.setAttribute("aria-label", "Result");
    this.#bar.append(this.#summary, this.#choice);
    this.element = h(
      "section",
      { class: "results", "aria-label": "Results" },
      this.#messages,
      this.#bar,
      this.#empty,
      this.grid,
    );
  }

  begin(): void {
    replace(this.#messages);
    replace(this.#choice);
    this.#summary.textContent = "Running…";
  }

  started(result: Result): void {
    this.#show(result, false);
  }

  grown(result: Result): void {
    if (performance.now() - this.#drawnAt < DRAW_EVERY_MS && result.rowCount > 200) return;
    this.#drawnAt = performance.now();
    this.#show(result, true);
    this.#summary.textContent = `${count(result.rowCount)} rows so far…`;
  }

  finished(outcomes: readonly Outcome[]): void {
    const withRows = outcomes.filter((one) => one.result !== null);
    const last = withRows.at(-1);
    this.#choose(last ?? outcomes[outcomes.length - 1], withRows);
    announce(this.#summary.textContent ?? "");
  }

  /** A message that screen readers say at once. */
  message(kind: "bad" | "warn" | "good", ...content: (Node | string)[]): void {
    this.#summary.textContent = "";
    this.#messages.append(h("div", { role: "alert", class: `notice ${kind}` }, ...content));
  }

  clear(): void {
    replace(this.#messages);
    this.#summary.textContent = "";
  }

  #choose(outcome: Outcome, all: readonly Outcome[]): void {
    if (outcome.result) this.#show(outcome.result, false);
    this.#summary.textContent = summaryOf(outcome);
    replace(
      this.#choice,
      ...(all.length < 2 ? [] : all.map((one, at) =>
        h("button", {
          type: "button",
          class: "button quiet small",
          "aria-pressed": String(one === outcome),
          title: one.statement.text.slice(0, 300),
          on: { click: () => this.#choose(one, all) },
        }, `Result ${at + 1}`)
      )),
    );
  }

  #show(result: Result, keepPlace: boolean): void {
    this.#empty.hidden = true;
    this.grid.hidden = false;
    this.grid.show(sourceOf(result), { keepPlace });
  }
}

function sourceOf(result: Result): GridSource {
  return {
    columns: result.columns.map((column) => ({
      name: column.name,
      type: column.type,
      isRight: column.kind === "number",
    })),
    rowCount: result.rowCount,
    text: (row, column) => result.text(row, column),
    title: (row, column) => {
      if (result.columns[column].type !== "TIMESTAMP") return "";
      const text = result.text(row, column);
      return text === null ? "" : `${text} UTC is ${local(`${text.replace(" ", "T")}Z`)} here`;
    },
  };
}

function summaryOf(outcome: Outcome): string {
  const { result, prepared, elapsed_ms } = outcome;
  const parts = [milliseconds(elapsed_ms)];
  if (result) {
    parts.unshift(
      result.truncated ? `first ${count(result.rowCount)} rows (truncated)` : rows(result.rowCount),
    );
  } else parts.unshift("Done");
  if (prepared.files > 0) parts.push(`${bytes(prepared.fetched_bytes)} fetched`, files(prepared.files));
  return parts.join(" · ");
}

function rows(amount: number): string {
  return `${count(amount)} ${amount === 1 ? "row" : "rows"}`;
}

function files(amount: number): string {
  return `${count(amount)} ${amount === 1 ? "file" : "files"}`;
}
