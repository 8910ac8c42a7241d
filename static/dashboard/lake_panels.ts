/**
 * The panels that ask the lake: SQL in a second engine, so that the editor and the dashboard never wait for each other.
 *
 * What is too much for a browser is asked of the server, and what cannot have changed is not asked again, so that an old
 * lake costs no more to look at than a young one.
 */
import { messageOf } from "../../lib/errors.ts";
import { collect } from "../engine/collect.ts";
import type { Lake, TableInfo } from "../engine/lake.ts";
import type { Rows } from "../engine/result.ts";
import { runOnServer } from "../engine/server_rows.ts";
import type { EngineSession } from "../engine/session.ts";
import { Unreachable } from "../shared/api.ts";
import { WordedChart } from "../shared/chart.ts";
import { dataTable } from "../shared/data_table.ts";
import { h, replace } from "../shared/dom.ts";
import { count, plural } from "../shared/format.ts";
import { card, TRIED_AGAIN } from "../shared/page.ts";
import { drawLetters } from "./letter_bars.ts";
import { scoreData } from "./score_chart.ts";
import { sparkline } from "./sparkline.ts";

export interface Panel {
  title: string;
  /** The table it reads; without it the panel says so and asks nothing. */
  table: string;
  sql(since: string, bucket: string): string;
  draw(place: HTMLElement, rows: Rows): void;
}

/** More than this to read is the server's work. */
const MUCH_BYTES = 60_000_000;
const SERVER_ROWS = 100_000;

/** `since` is the beginning of the range as the engine reads it, `bucket` a word for date_trunc. */
const PANELS: readonly Panel[] = [
  {
    title: "Orders and revenue by currency",
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
    title: "Unusual amounts (z-scores)",
    table: "processed.transactions",
    sql: (since) =>
      `SELECT epoch(event_time) AS at, z_score, user_id FROM processed.transactions
       WHERE event_time >= TIMESTAMP '${since}' AND is_anomaly ORDER BY event_time DESC LIMIT 1000`,
    draw: drawScores,
  },
  {
    title: "Dead letters by reason",
    table: "processed.dead_letters",
    sql: (since) =>
      `SELECT reason, count(*) AS letters FROM processed.dead_letters
       WHERE received_at >= TIMESTAMP '${since}' GROUP BY reason ORDER BY letters DESC, reason`,
    draw: drawLetters,
  },
];

export class LakePanels {
  readonly elements: HTMLElement[];
  #bodies: HTMLElement[];
  /** Of what each panel was drawn last. */
  #drawn = new Map<Panel, string>();
  #isBusy = false;
  /** What was asked for while a round was under way. */
  #next: (() => void) | null = null;

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

  /** Asks all panels anew, one after the other, `more` before them; while a round is under way, the next one waits. */
  async refresh(
    since: Date,
    bucket: string,
    signal: AbortSignal,
    more: { panel: Panel; body: HTMLElement } | null = null,
  ): Promise<void> {
    if (this.#isBusy) {
      this.#next = () => this.refresh(since, bucket, signal, more);
      return;
    }
    this.#isBusy = true;
    const all = PANELS.map((panel, at) => ({ panel, body: this.#bodies[at] }));
    try {
      await this.lake.refresh(signal);
      for (const { panel, body } of more ? [more, ...all] : all) {
        await this.#show(panel, body, { since, bucket, signal });
      }
    } catch (error) {
      if (!signal.aborted) { for (const body of this.#bodies) fault(body, error); }
    } finally {
      this.#isBusy = false;
      const next = this.#next;
      this.#next = null;
      if (!signal.aborted) next?.();
    }
  }

  /** The next refresh asks everything, changed or not. */
  forget(): void {
    this.#drawn.clear();
  }

  async #show(
    panel: Panel,
    body: HTMLElement,
    { since, bucket, signal }: { since: Date; bucket: string; signal: AbortSignal },
  ): Promise<void> {
    const table = this.lake.tables.find((one) => one.name === panel.table);
    if (!table) {
      const sentence = `${panel.table} is not there yet: it comes with its first event.`;
      return replace(body, h("p", { class: "muted" }, sentence));
    }
    const state = stateOf(table);
    if (this.#drawn.get(panel) === state) return;
    const from = since.toISOString().slice(0, 19);
    const sql = panel.sql(from.replace("T", " "), bucket);
    try {
      panel.draw(body, await this.#ask(sql, from, signal));
      body.setAttribute("aria-busy", "false");
      this.#drawn.set(panel, state);
    } catch (error) {
      if (signal.aborted) return;
      fault(body, error);
      // What was read may be broken or gone; the next round reads it anew.
      await this.session.exclusive(() => this.lake.forgetFiles());
    }
  }

  async #ask(sql: string, since: string, signal: AbortSignal): Promise<Rows> {
    const { bytes } = await this.lake.estimate(sql, { since }, signal);
    if (bytes > MUCH_BYTES) return await runOnServer(sql, { limit: SERVER_ROWS }, signal);
    return await this.session.exclusive(async () => {
      await this.lake.prepare(sql, { since }, signal);
      return await collect(this.session, sql, signal);
    });
  }
}

/** Without a new snapshot the same question has the same answer, but for what leaves the range: once a minute. */
function stateOf(table: TableInfo): string {
  return `${table.snapshot_id} ${Math.floor(Date.now() / 60_000)}`;
}

function fault(body: HTMLElement, error: unknown): void {
  const message = messageOf(error);
  const [first] = message.split("\n");
  replace(
    body,
    h("p", { class: "muted panel-fault" }, error instanceof Unreachable ? `${first} ${TRIED_AGAIN}` : first),
  );
}

function drawTable(place: HTMLElement, result: Rows, empty: string): void {
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

function drawRevenue(place: HTMLElement, result: Rows): void {
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
              `${one.currency}: ${plural(one.values.length, "step")}, last ${
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

/** The chart of a panel, kept from one answer to the next. */
export function chartIn(place: HTMLElement): WordedChart {
  let chart = place.querySelector<WordedChart>("worded-chart");
  if (!chart) {
    chart = new WordedChart();
    replace(place, chart);
  }
  return chart;
}

function drawScores(place: HTMLElement, result: Rows): void {
  chartIn(place).show(scoreData(result));
}
