/** The panels that ask the lake: SQL in a second engine, so that the editor and the dashboard never wait for each other. */
import { collect } from "../engine/collect.ts";
import type { Lake } from "../engine/lake.ts";
import type { Result } from "../engine/result.ts";
import type { EngineSession } from "../engine/session.ts";
import { WordedChart } from "../shared/chart.ts";
import { dataTable } from "../shared/data_table.ts";
import { h, replace } from "../shared/dom.ts";
import { count } from "../shared/format.ts";
import { card } from "../shared/page.ts";
import { sparkline } from "./sparkline.ts";

interface Panel {
  title: string;
  /** The table it reads; without it the panel says so and asks nothing. */
  table: string;
  sql(since: string, bucket: string): string;
  draw(place: HTMLElement, result: Result): void;
}

/** `since` is the beginning of the range as the engine reads it, `bucket` a word for date_trunc. */
const PANELS: readonly Panel[] = [
  {
    title: "Revenue by currency",
    table: "processed.transactions",
    sql: (since, bucket) =>
      `SELECT currency, date_trunc('${bucket}', event_time) AS bucket, sum(amount) AS revenue, count(*) AS payments
       FROM processed.transactions
       WHERE event_time >= TIMESTAMP '${since}' AND status IN ('completed', 'approved', 'refunded')
       GROUP BY ALL ORDER BY currency, bucket`,
    draw: drawRevenue,
  },
  {
    title: "Top merchants",
    table: "processed.transactions",
    sql: (since) =>
      `SELECT coalesce(merchant_name, merchant_id, 'unknown') AS merchant, currency, sum(amount) AS revenue, count(*) AS payments
       FROM processed.transactions
       WHERE event_time >= TIMESTAMP '${since}' AND status IN ('completed', 'approved', 'refunded')
       GROUP BY ALL ORDER BY payments DESC, revenue DESC LIMIT 8`,
    draw: (place, result) => drawTable(place, result, "No payments in this time."),
  },
  {
    title: "Top products",
    table: "processed.clickstream",
    sql: (since) =>
      `SELECT product_id AS product, any_value(product_category) AS category, sum(quantity) AS sold,
              (sum(revenue_cents) / 100.0)::DECIMAL(18,2) AS revenue
       FROM processed.clickstream
       WHERE event_time >= TIMESTAMP '${since}' AND event_type = 'purchase' AND NOT is_bot AND product_id IS NOT NULL
       GROUP BY product_id ORDER BY sold DESC NULLS LAST LIMIT 8`,
    draw: (place, result) => drawTable(place, result, "No purchases in this time."),
  },
  {
    title: "Unusual amounts",
    table: "processed.transactions",
    sql: (since) =>
      `SELECT epoch(event_time) AS at, z_score, user_id FROM processed.transactions
       WHERE event_time >= TIMESTAMP '${since}' AND is_anomaly ORDER BY event_time DESC LIMIT 1000`,
    draw: drawScores,
  },
];

export class LakePanels {
  readonly elements: HTMLElement[];
  #bodies: HTMLElement[];
  #isBusy = false;

  constructor(readonly session: EngineSession, readonly lake: Lake) {
    this.#bodies = PANELS.map(() =>
      h(
        "div",
        { class: "panel-body", "aria-busy": "true" },
        h("p", { class: "loading" }, "Starting the engine…"),
      )
    );
    this.elements = PANELS.map((panel, at) => card(panel.title, this.#bodies[at]));
  }

  /** Asks all panels anew, one after the other; a call while one is under way does nothing. */
  async refresh(since: Date, bucket: string, signal: AbortSignal): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.lake.refresh(signal);
      for (const [at, panel] of PANELS.entries()) {
        await this.#ask(panel, this.#bodies[at], since, bucket, signal);
      }
    } catch (error) {
      if (!signal.aborted) { for (const body of this.#bodies) fault(body, error); }
    } finally {
      this.#isBusy = false;
    }
  }

  async #ask(
    panel: Panel,
    body: HTMLElement,
    since: Date,
    bucket: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.lake.tables.some((table) => table.name === panel.table)) {
      replace(
        body,
        h("p", { class: "muted" }, `${panel.table} is not there yet: it comes with its first event.`),
      );
      return;
    }
    const from = since.toISOString().slice(0, 19);
    const sql = panel.sql(from.replace("T", " "), bucket);
    try {
      const result = await this.session.exclusive(async () => {
        await this.lake.prepare(sql, { since: from }, signal);
        return await collect(this.session, sql, signal);
      });
      panel.draw(body, result);
      body.setAttribute("aria-busy", "false");
    } catch (error) {
      if (!signal.aborted) fault(body, error);
    }
  }
}

function fault(body: HTMLElement, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  replace(body, h("p", { class: "muted panel-fault" }, message.split("\n")[0]));
}

function drawTable(place: HTMLElement, result: Result, empty: string): void {
  const rows = Array.from({ length: result.rowCount }, (_, row) => row);
  const columns = result.columns.map((column, at) => ({
    name: column.name,
    isNumber: column.kind === "number",
    cell: (row: number) => {
      const text = result.text(row, at);
      return column.kind === "number" ? grouped(text) : text;
    },
  }));
  replace(place, dataTable(columns, rows, { caption: "Ranking", empty }));
}

/** A number's text with grouped whole part and at most two decimals; digits are never invented. */
function grouped(text: string | null): string {
  if (text === null) return "–";
  const [whole, fraction] = text.split(".");
  return fraction === undefined ? count(whole) : `${count(whole)}.${fraction.slice(0, 2)}`;
}

function drawRevenue(place: HTMLElement, result: Result): void {
  interface Line {
    currency: string;
    values: number[];
    revenue: number;
    payments: number;
  }
  const lines = new Map<string, Line>();
  for (let row = 0; row < result.rowCount; row++) {
    const currency = result.text(row, 0) ?? "–";
    const line = lines.get(currency) ?? { currency, values: [], revenue: 0, payments: 0 };
    line.values.push(Number(result.text(row, 2)));
    line.revenue += Number(result.text(row, 2));
    line.payments += Number(result.text(row, 3));
    lines.set(currency, line);
  }
  const sorted = [...lines.values()].sort((a, b) => b.payments - a.payments);
  replace(
    place,
    dataTable<Line>(
      [
        { name: "Currency", cell: (one) => h("b", {}, one.currency) },
        {
          name: "Over time",
          cell: (one) =>
            sparkline(
              one.values,
              `${one.currency}: ${one.values.length} steps, last ${
                count(Math.round(one.values.at(-1) ?? 0))
              }`,
            ),
        },
        { name: "Revenue", cell: (one) => count(Math.round(one.revenue)), isNumber: true },
        { name: "Payments", cell: (one) => count(one.payments), isNumber: true },
      ],
      sorted,
      { caption: "Revenue by currency", empty: "No payments in this time." },
    ),
  );
}

function drawScores(place: HTMLElement, result: Result): void {
  const at = Array.from({ length: result.rowCount }, (_, row) => row).reverse();
  const scores = at.map((row) => Number(result.text(row, 1)));
  let chart = place.querySelector<WordedChart>("worded-chart");
  if (!chart) {
    chart = new WordedChart();
    replace(place, chart);
  }
  const highest = scores.length === 0 ? 0 : Math.max(...scores.map(Math.abs));
  chart.show({
    kind: "scatter",
    x: { kind: "time", name: "Event time (UTC)", values: at.map((row) => Number(result.text(row, 0))) },
    series: [{ name: "z-score", values: scores }],
    format: (value) => value.toFixed(1),
    summary: scores.length === 0
      ? "No amount was unusual for its user in this time."
      : `${
        count(scores.length)
      } amounts were more than 3 deviations from their user's mean; the farthest by ${highest.toFixed(1)}.`,
  });
}
