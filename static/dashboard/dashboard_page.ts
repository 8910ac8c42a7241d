/** The dashboard: the stream as it happens, from one live connection, and answers from the lake beside it. */
import { startEngineOfPage } from "../engine/start.ts";
import { Lake } from "../engine/lake.ts";
import { EngineSession } from "../engine/session.ts";
import { accountTable } from "../pages/account_table.ts";
import { tag } from "../pages/severity.ts";
import { WordedChart } from "../shared/chart.ts";
import { h, replace, settle } from "../shared/dom.ts";
import { clock } from "../shared/format.ts";
import type { LiveAlert, LivePayload, LiveStream } from "../shared/live.ts";
import { card, pageHead, type ShowPage } from "../shared/page.ts";
import { hashOf } from "../shared/place.ts";
import { chartIn, LakePanels, type Panel } from "./lake_panels.ts";
import { pastPoints, pastRateSql, stepOf } from "./past_rate.ts";
import { pipelineStrip } from "./pipeline_strip.ts";
import {
  freshnessData,
  type Grouping,
  latencySentence,
  rateData,
  Samples,
  stackedRates,
} from "./rate_chart.ts";

interface Range {
  label: string;
  seconds: number;
  /** A word for date_trunc. */
  bucket: string;
}

/** Up to here the stream itself shows how many events came; beyond, the lake is asked. */
const LIVE_SECONDS = 3_600;

const RANGES: readonly Range[] = [
  { label: "15 minutes", seconds: 900, bucket: "minute" },
  { label: "1 hour", seconds: 3_600, bucket: "minute" },
  { label: "24 hours", seconds: 86_400, bucket: "hour" },
  { label: "7 days", seconds: 7 * 86_400, bucket: "day" },
  { label: "30 days", seconds: 30 * 86_400, bucket: "day" },
];
const DRAW_EVERY_MS = 1_000;
const LAKE_EVERY_MS = 15_000;
const SHOWN_ALERTS = 12;

const TILES: readonly [metric: string, label: string][] = [
  ["accepted", "events accepted"],
  ["events_per_second", "events a second"],
  ["freshness_seconds", "seconds to a queryable row"],
  ["lag_records", "records waiting"],
  ["active_sessions", "active sessions"],
  ["alerts", "alerts"],
  ["dead_letters", "dead letters"],
];

/** Kept while the page lives, so that coming back to the dashboard does not start another engine. */
let engine: { session: EngineSession; lake: Lake } | null = null;
const samples = new Samples();

export const show: ShowPage = (place, { live }, signal) => {
  new Dashboard(place, live, signal).start();
};

class Dashboard {
  #range = RANGES[1];
  #grouping: Grouping = "kinds";
  #isPaused = false;
  #strip = pipelineStrip();
  #rate = h("div", { class: "panel-body" });
  #freshness = new WordedChart();
  #latency = h("p", { class: "chart-summary" });
  #alerts = h("ul", { class: "alert-feed", "aria-label": "Alerts as they fire" });
  #accounts = h("div");
  #problems = h("div", { class: "problems" });
  #stale = h(
    "p",
    { class: "notice bad", role: "alert", hidden: true },
    "Stale: the live connection is cut. The numbers are the last ones heard; it is tried again by itself.",
  );
  #panels: LakePanels;
  #past: { seconds: number; panel: Panel } | null = null;

  constructor(readonly place: HTMLElement, readonly live: LiveStream, readonly signal: AbortSignal) {
    if (!engine) {
      const session = new EngineSession(startEngineOfPage);
      engine = { session, lake: new Lake(session) };
    }
    this.#panels = new LakePanels(engine.session, engine.lake);
  }

  start(): void {
    const [revenue, merchants, products, scores, letters] = this.#panels.elements;
    this.place.append(
      pageHead("Dashboard", "What is happening now, and what it adds up to.", ...this.#controls()),
      this.#stale,
      this.#problems,
      this.#strip.element,
      h("div", { class: "tiles", role: "group", "aria-label": "Now" }, ...tiles()),
      h(
        "div",
        { class: "panels" },
        sized("rate", card("Events a second", this.#rate)),
        card("Latency and freshness", this.#freshness, this.#latency),
        revenue,
        card("Alerts as they fire", this.#alerts),
        merchants,
        products,
        scores,
        letters,
        sized("accounts", card("Every event adds up", this.#accounts)),
      ),
    );
    this.#begin();
  }

  #begin(): void {
    let drawnAt = 0;
    const changed = () => {
      samples.take(this.live.payload, Date.now());
      this.#stale.hidden = this.live.state !== "stale";
      if (this.#isPaused || performance.now() - drawnAt < DRAW_EVERY_MS) return;
      drawnAt = performance.now();
      this.#draw(this.live.payload);
    };
    this.live.addEventListener("change", changed, { signal: this.signal });
    changed();
    const timer = setInterval(() => this.#isPaused || document.hidden || this.#ask(), LAKE_EVERY_MS);
    this.signal.addEventListener("abort", () => clearInterval(timer));
    this.#ask();
  }

  #ask(): void {
    const since = new Date(Date.now() - this.#range.seconds * 1000);
    const past = this.#isLive ? null : { panel: this.#pastPanel(), body: this.#rate };
    this.#panels.refresh(since, this.#range.bucket, this.signal, past);
  }

  get #isLive(): boolean {
    return this.#range.seconds <= LIVE_SECONDS;
  }

  /** The same one as long as the range is, so that what cannot have changed is not asked again. */
  #pastPanel(): Panel {
    const { seconds } = this.#range;
    if (this.#past?.seconds !== seconds) this.#past = { seconds, panel: this.#makePastPanel(seconds) };
    return this.#past.panel;
  }

  #makePastPanel(range_s: number): Panel {
    const step = stepOf(range_s);
    return {
      title: "Events a second",
      table: "raw.events",
      sql: (since) => pastRateSql(since, step),
      draw: (place, rows) => {
        if (this.#isLive) return;
        const until = Date.now() / 1000;
        const points = pastPoints(rows, step, { from: until - range_s, until });
        const data = stackedRates(points, this.#grouping, "last");
        if (data) chartIn(place).show(data);
        else replace(place, h("p", { class: "muted" }, "No events in this time."));
      },
    };
  }

  #controls(): HTMLElement[] {
    const range = h(
      "select",
      { "aria-label": "Time range" },
      ...RANGES.map((one) => h("option", { value: one.seconds, selected: one === this.#range }, one.label)),
    );
    range.addEventListener("change", () => {
      this.#range = RANGES.find((one) => String(one.seconds) === range.value) ?? this.#range;
      this.#chosen();
    });
    const grouping = h(
      "select",
      { "aria-label": "Events by" },
      h("option", { value: "kinds" }, "by kind"),
      h("option", { value: "sources" }, "by source"),
    );
    grouping.addEventListener("change", () => {
      this.#grouping = grouping.value === "sources" ? "sources" : "kinds";
      this.#chosen();
    });
    const pause = h("button", { type: "button", class: "button", "aria-pressed": "false" }, "Pause");
    pause.addEventListener("click", () => {
      this.#isPaused = !this.#isPaused;
      pause.setAttribute("aria-pressed", String(this.#isPaused));
      pause.textContent = this.#isPaused ? "Resume" : "Pause";
      this.place.classList.toggle("is-paused", this.#isPaused);
    });
    return [range, grouping, pause];
  }

  #chosen(): void {
    this.#panels.forget();
    if (!this.#isLive) replace(this.#rate, h("p", { class: "loading" }, "Counting in the lake…"));
    this.#draw(this.live.payload);
    this.#ask();
  }

  #draw(payload: LivePayload): void {
    const from = Date.now() - Math.min(this.#range.seconds, 3_600) * 1000;
    this.#strip.show(payload);
    if (this.#isLive) chartIn(this.#rate).show(rateData(payload, samples, this.#grouping, from));
    this.#freshness.show(freshnessData(samples, from));
    this.#latency.textContent = latencySentence(payload.metrics);
    settle(this.#alerts, ...alertItems(payload.alerts ?? []));
    settle(this.#accounts, accountTable(payload.accounting ?? []));
    settle(
      this.#problems,
      ...(payload.problems ?? []).map((sentence) =>
        h("p", { class: "notice warn", role: "alert" }, sentence)
      ),
    );
  }
}

function tiles(): HTMLElement[] {
  return TILES.map(([metric, label]) =>
    h(
      "div",
      { class: "tile" },
      h("b", { class: "number", "data-metric": metric }, "–"),
      h("span", {}, label),
    )
  );
}

/** A card that the layout gives a size of its own. */
function sized(name: string, element: HTMLElement): HTMLElement {
  element.classList.add(`is-${name}`);
  return element;
}

function alertItems(alerts: readonly LiveAlert[]): HTMLElement[] {
  if (alerts.length === 0) return [h("li", { class: "muted" }, "None since the page was opened.")];
  return alerts.slice(-SHOWN_ALERTS).reverse().map((alert) =>
    h(
      "li",
      {},
      tag(alert.severity),
      h(
        "span",
        { class: "alert-what" },
        h("a", { href: hashOf("alerts") }, alert.rule),
        ` ${alert.description}`,
      ),
      h("time", { class: "muted number", datetime: alert.event_time }, clock(alert.event_time)),
    )
  );
}
