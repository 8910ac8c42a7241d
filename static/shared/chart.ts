/**
 * A chart with words: drawn by uPlot, said in one sentence, and given as a table, so that nobody depends on seeing it.
 *
 * A stack is drawn as running sums from the back to the front; legends, summaries and tables show the true values.
 */
import uPlot from "uplot";
import {
  barsBeside,
  type ChartData,
  type ChartSeries,
  lonelyPlaces,
  plotData,
  shortened,
  stackOrder,
  timeMark,
  xRange,
} from "./chart_data.ts";
import { h, replace } from "./dom.ts";
import { plain } from "./format.ts";

const COLOURS = 8;
const TABLE_ROWS = 500;
const WIDEST_BAR_PX = 60;
/** One for all: a listener that is taken off another object of the same question stays, and its chart with it. */
const DARK = matchMedia("(prefers-color-scheme: dark)");
let charts = 0;

export class WordedChart extends HTMLElement {
  #data: ChartData | null = null;
  #plot: uPlot | null = null;
  #plotKey = "";
  #canvas = h("div", { class: "chart-canvas", "aria-hidden": "true" });
  #legend = h("ul", { class: "chart-legend" });
  #summary = h("p", { class: "chart-summary", id: `chart-summary-${++charts}` });
  #table = h("details", { class: "chart-table" }, h("summary", {}, "As a table"));
  #hidden = new Set<string>();
  #resize = new ResizeObserver(() => this.#fit());
  #onTheme = () => {
    this.#plotKey = "";
    this.#draw();
  };

  connectedCallback(): void {
    if (!this.firstChild) {
      this.append(this.#canvas, this.#legend, this.#summary, this.#table);
      this.role = "figure";
      this.setAttribute("aria-describedby", this.#summary.id);
      this.#table.addEventListener("toggle", () => this.#drawTable());
    }
    this.#resize.observe(this.#canvas);
    document.addEventListener("theme-changed", this.#onTheme);
    DARK.addEventListener("change", this.#onTheme);
  }

  disconnectedCallback(): void {
    this.#resize.disconnect();
    document.removeEventListener("theme-changed", this.#onTheme);
    DARK.removeEventListener("change", this.#onTheme);
    this.#plot?.destroy();
    this.#plot = null;
    this.#plotKey = "";
  }

  show(data: ChartData): void {
    this.#data = data;
    this.classList.toggle("is-empty", data.x.values.length === 0);
    this.#draw();
    this.#drawLegend(null);
    this.#summary.textContent = data.summary;
    this.#drawTable();
  }

  #format(value: number | null | undefined): string {
    if (value === null || value === undefined) return "–";
    return this.#data?.format?.(value) ?? plain(value);
  }

  #draw(): void {
    const data = this.#data;
    if (!data || !this.isConnected || data.x.values.length === 0) return;
    const visible = data.series.filter((one) => !this.#hidden.has(one.name));
    const key = JSON.stringify([data.kind, data.x.kind, visible.map((one) => one.name)]);
    const points = plotData(data, visible);
    if (this.#plot && key === this.#plotKey) {
      this.#plot.setData(points);
      return;
    }
    this.#plot?.destroy();
    this.#plotKey = key;
    this.#plot = new uPlot(this.#options(data, visible), points, this.#canvas);
  }

  #options(data: ChartData, visible: readonly ChartSeries[]): uPlot.Options {
    const { text, grid } = { text: this.#resolve("--text-3"), grid: this.#resolve("--line") };
    const axis = {
      stroke: text,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    const along = { ...axis, size: 28 };
    const names = data.x.values;
    return {
      width: Math.max(120, this.#canvas.clientWidth),
      height: Math.max(90, this.#canvas.clientHeight || 180),
      // On the right there is room for half of the last mark.
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { points: { size: 6 }, drag: { x: data.x.kind !== "category", y: false } },
      scales: {
        x: {
          time: data.x.kind === "time",
          range: (_, min, max) => xRange((this.#data ?? data).x, min, max),
        },
        y: { range: (_, min, max) => yRange(this.#data, min, max) },
      },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      axes: [
        data.x.kind === "category"
          ? {
            ...along,
            grid: { show: false },
            splits: () => names.map((_, at) => at),
            values: (_, at) => at.map((one) => shortened(String(names[one] ?? ""))),
          }
          : data.x.kind === "time"
          ? {
            ...along,
            space: 70,
            values: (_, at, _axis, _space, step) => at.map((one) => timeMark(one, step)),
          }
          : along,
        { ...axis, size: 60, values: (_, values) => values.map((value) => this.#format(value)) },
      ],
      series: [{}, ...stackOrder(data, visible).map((one) => this.#seriesOptions(data, one, visible))],
      hooks: { setCursor: [(plot) => this.#drawLegend(plot.cursor.idx ?? null)] },
    };
  }

  #seriesOptions(data: ChartData, series: ChartSeries, visible: readonly ChartSeries[]): uPlot.Series {
    const colour = this.#colour(data.series.indexOf(series));
    const fill = colour.replace("rgb(", "rgba(").replace(")", data.kind === "stack" ? ", 1)" : ", 0.22)");
    const dots: uPlot.Series.Points = {
      show: false,
      size: 6,
      fill: colour,
      stroke: colour,
      filter: (plot, at) => {
        const lonely = lonelyPlaces([...plot.data[at]]);
        return lonely.length > 0 ? lonely : null;
      },
    };
    const shared: uPlot.Series = { label: series.name, stroke: colour, width: 1.75, points: dots };
    switch (data.kind) {
      case "line":
        return shared;
      case "area":
        return { ...shared, fill };
      case "stack":
        return { ...shared, width: 0, fill };
      case "bar":
        return {
          ...shared,
          width: 0,
          fill: colour,
          points: { show: false },
          paths: uPlot.paths.bars?.({
            size: [0.75, WIDEST_BAR_PX],
            radius: 0.12,
            disp: visible.length > 1 ? sideBySide(visible.indexOf(series), visible.length) : undefined,
          }),
        };
      case "scatter":
        return {
          ...shared,
          paths: () => null,
          points: { show: true, size: 5, fill: colour, stroke: colour },
        };
    }
  }

  #colour(at: number): string {
    return this.#resolve(`--series-${(at % COLOURS) + 1}`);
  }

  /** What a colour of the theme is at the moment, as `rgb(...)`. */
  #resolve(name: string): string {
    const { style } = this.#canvas;
    style.color = `var(${name})`;
    // Under forced colours lines and texts take the system's; series stay apart by their own.
    if (name.startsWith("--series")) style.forcedColorAdjust = "none";
    const colour = getComputedStyle(this.#canvas).color;
    style.color = style.forcedColorAdjust = "";
    return colour;
  }

  /** Writes values into the legend; its buttons are made once, so that the focus on one survives new data. */
  #drawLegend(index: number | null): void {
    const data = this.#data;
    if (!data) return;
    const at = index ?? data.x.values.length - 1;
    const names = data.series.map((one) => one.name).join("\0");
    if (this.#legend.dataset.names !== names) {
      this.#legend.dataset.names = names;
      const items = data.series.map((one, n) => this.#legendItem(one.name, n));
      replace(this.#legend, ...items, h("li", { class: "chart-at number" }));
    }
    for (const [n, series] of data.series.entries()) {
      const button = this.#legend.children[n].firstElementChild as HTMLElement;
      button.setAttribute("aria-pressed", String(!this.#hidden.has(series.name)));
      button.lastElementChild!.textContent = this.#format(series.values[at]);
    }
    this.#legend.lastElementChild!.textContent = index === null ? "" : this.#xText(at);
  }

  #legendItem(name: string, n: number): HTMLElement {
    const swatch = h("span", { class: "chart-swatch", "aria-hidden": "true" });
    swatch.style.background = `var(--series-${(n % COLOURS) + 1})`;
    const attributes = { type: "button", title: "Show or hide", on: { click: () => this.#toggle(name) } };
    const parts = [swatch, h("span", { class: "chart-name" }, name), h("b", { class: "number" })];
    return h("li", {}, h("button", attributes, ...parts));
  }

  #toggle(name: string): void {
    if (!this.#hidden.delete(name)) this.#hidden.add(name);
    this.#draw();
    this.#drawLegend(null);
  }

  #xText(at: number): string {
    const value = this.#data?.x.values[at];
    if (this.#data?.x.kind !== "time" || typeof value !== "number") return String(value ?? "");
    return new Date(value * 1000).toISOString().slice(0, 19).replace("T", " ");
  }

  #drawTable(): void {
    const data = this.#data;
    if (!data || !this.#table.open) return;
    const from = Math.max(0, data.x.values.length - TABLE_ROWS);
    const rows = data.x.values.slice(from).map((_, n) =>
      h(
        "tr",
        {},
        h("td", { class: "number" }, this.#xText(from + n)),
        ...data.series.map((one) => h("td", { class: "number" }, this.#format(one.values[from + n]))),
      )
    );
    const head = h(
      "tr",
      {},
      h("th", { scope: "col" }, data.x.name),
      ...data.series.map((one) => h("th", { scope: "col", class: "number" }, one.name)),
    );
    this.#table.querySelector(".scroll-x")?.remove();
    this.#table.append(
      h(
        "div",
        { class: "scroll-x", tabindex: 0 },
        h("table", { class: "plain" }, h("thead", {}, head), h("tbody", {}, ...rows.reverse())),
      ),
    );
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    if (clientWidth > 0) this.#plot?.setSize({ width: clientWidth, height: Math.max(90, clientHeight) });
  }
}

/** The place of one series' bars beside those of the others. */
function sideBySide(at: number, of: number): uPlot.Series.BarsPathBuilderDisplay {
  const bars = (plot: uPlot) => {
    const { min, max } = plot.scales.x;
    const perPixel = ((max ?? 1) - (min ?? 0)) / Math.max(1, plot.bbox.width / devicePixelRatio);
    return barsBeside([...plot.data[0]], { at, of, widest: WIDEST_BAR_PX * perPixel });
  };
  return {
    x0: { unit: 1, values: (plot) => bars(plot).starts },
    size: { unit: 1, values: (plot) => [bars(plot).width] },
  };
}

/** As uPlot would choose it, unless the data says where it ends. */
function yRange(data: ChartData | null, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (data?.top !== undefined) return [0, data.top];
  if (min === null || max === null) return [0, 1];
  return uPlot.rangeNum(data?.kind === "scatter" ? min : Math.min(0, min), max, 0.1, true);
}

customElements.define("worded-chart", WordedChart);
