/** A result as a chart: what is along, what is up and what tells lines apart are guessed from the columns, then chosen. */
import type { Rows } from "../engine/result.ts";
import { WordedChart } from "../shared/chart.ts";
import type { ChartKind } from "../shared/chart_data.ts";
import { h, replace } from "../shared/dom.ts";
import { type ChartChoice, chartData, guess } from "./chart_choice.ts";

const KINDS: readonly ChartKind[] = ["line", "area", "bar", "scatter"];

export class ChartView {
  readonly element = h("div", { class: "chart-view" });
  #chart = new WordedChart();
  #controls = h("div", { class: "chart-controls" });
  #choice: ChartChoice | null = null;
  #shape = "";

  constructor() {
    this.element.append(this.#controls, this.#chart);
  }

  show(rows: Rows, order: Uint32Array | null): void {
    const shape = rows.columns.map((column) => `${column.name} ${column.type}`).join();
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#choice = guess(rows);
    }
    const choice = this.#choice;
    if (!choice) {
      replace(this.#controls, h("p", { class: "muted" }, "A chart needs a column with numbers."));
      this.#chart.hidden = true;
      return;
    }
    this.#chart.hidden = false;
    this.#draw(rows, order, choice);
  }

  #draw(rows: Rows, order: Uint32Array | null, choice: ChartChoice): void {
    const set = (change: Partial<ChartChoice>) => {
      this.#choice = { ...choice, ...change };
      this.#draw(rows, order, this.#choice);
    };
    const columns = rows.columns.map((column, at) => ({ at, name: column.name }));
    const numbers = columns.filter(({ at }) => rows.columns[at].kind === "number");
    replace(
      this.#controls,
      select(
        "Kind",
        KINDS.map((kind, at) => ({ at, name: kind })),
        KINDS.indexOf(choice.kind),
        (at) => set({ kind: KINDS[at] }),
      ),
      select("Along", columns, choice.x, (x) => set({ x })),
      select("Up", numbers, choice.y[0], (y) => set({ y: [y] })),
      select(
        "A line for each",
        [{ at: -1, name: "none" }, ...columns],
        choice.by,
        (by) => set(by < 0 ? { by } : { by, y: choice.y.slice(0, 1) }),
      ),
    );
    this.#chart.show(chartData(rows, order, choice));
  }
}

function select(
  label: string,
  options: readonly { at: number; name: string }[],
  chosen: number,
  change: (at: number) => void,
): HTMLElement {
  const element = h(
    "select",
    {},
    ...options.map((one) => h("option", { value: one.at, selected: one.at === chosen }, one.name)),
  );
  element.addEventListener("change", () => change(Number(element.value)));
  return h("label", { class: "field" }, label, element);
}
