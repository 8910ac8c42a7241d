/** Events a second by kind or by source, and freshness over time, from what the live stream has told. */
import { countOf } from "../../lib/counts_by_name.ts";
import type { ChartData } from "../shared/chart_data.ts";
import { duration, rate } from "../shared/format.ts";
import type { LivePayload, LivePoint } from "../shared/live.ts";

export type Grouping = "kinds" | "sources";

const MAX_SAMPLES = 3_600;
/** So many times the usual is no part of the picture. */
const FAR = 6;

/** Numbers of the stream as they were, once a second, for charts of what the server keeps no history of. */
export class Samples {
  #samples: { t: number; metrics: LivePayload["metrics"] }[] = [];

  take(payload: LivePayload, now: number): void {
    const t = Math.floor(now / 1000) * 1000;
    if (this.#samples.at(-1)?.t === t) this.#samples.pop();
    this.#samples.push({ t, metrics: payload.metrics });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  since(t: number): readonly { t: number; metrics: LivePayload["metrics"] }[] {
    return this.#samples.filter((one) => one.t >= t);
  }
}

export function rateData(payload: LivePayload, samples: Samples, wanted: Grouping, from: number): ChartData {
  const points = (payload.history ?? []).filter((point) => point.t >= from);
  return stackedRates(points, wanted, "now") ?? plainRate(samples, from);
}

/** Rates by kind or source, point by point; null while no point knows either. */
export function stackedRates(
  points: readonly LivePoint[],
  wanted: Grouping,
  newest: "now" | "last",
): ChartData | null {
  // A server that is still reading has no kinds yet; what it knows is better than nothing.
  const grouping = points.some((point) => Object.keys(point[wanted]).length > 0) ? wanted : other(wanted);
  if (!points.some((point) => Object.keys(point[grouping]).length > 0)) return null;
  const names = namesBySize(points, grouping);
  const series = names.map((name) => ({
    name,
    values: points.map((point) => countOf(point[grouping], name)),
  }));
  return {
    kind: "stack",
    x: { kind: "time", name: "Time (UTC)", values: points.map((point) => point.t / 1000) },
    series,
    top: topOf(points.map((point) => sumOf(point[grouping]))),
    format: rate,
    summary: rateSummary(points, grouping, { names, newest }),
  };
}

function sumOf(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((sum, value) => sum + value, 0);
}

/**
 * Where the axis ends. A burst (a backfill) would press everything else flat, so what stands far above nearly all
 * points runs out of the chart; its height is in the sentence and in the table.
 */
export function topOf(totals: readonly number[]): number | undefined {
  const ascending = totals.filter((total) => total > 0).sort((a, b) => a - b);
  const usual = ascending[Math.floor(ascending.length * 0.6)] ?? 0;
  const inPicture = ascending.findLast((total) => total <= usual * FAR) ?? 0;
  return inPicture < (ascending.at(-1) ?? 0) ? inPicture * 1.25 : undefined;
}

function other(grouping: Grouping): Grouping {
  return grouping === "kinds" ? "sources" : "kinds";
}

function plainRate(samples: Samples, from: number): ChartData {
  const seen = samples.since(from);
  const values = seen.map((one) => one.metrics.events_per_second ?? null);
  const known = values.filter((value) => value !== null);
  return {
    kind: "area",
    x: { kind: "time", name: "Time (UTC)", values: seen.map((one) => one.t / 1000) },
    series: [{ name: "events", values }],
    format: rate,
    summary: known.length === 0
      ? "No events yet."
      : `Now ${rate(known.at(-1))} events a second, between ${rate(Math.min(...known))} and ${
        rate(Math.max(...known))
      }.`,
  };
}

function namesBySize(points: readonly LivePoint[], grouping: Grouping): string[] {
  const totals = new Map<string, number>();
  for (const point of points) {
    for (const [name, value] of Object.entries(point[grouping])) {
      totals.set(name, (totals.get(name) ?? 0) + value);
    }
  }
  return [...totals].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

function rateSummary(
  points: readonly LivePoint[],
  grouping: Grouping,
  { names, newest }: { names: readonly string[]; newest: string },
): string {
  const totals = points.map((point) => sumOf(point[grouping]));
  const seconds = points.map((point) => point.seconds ?? 1);
  const all = totals.reduce((sum, value, at) => sum + value * seconds[at], 0);
  const first = points.reduce((sum, point, at) => sum + countOf(point[grouping], names[0]) * seconds[at], 0);
  const share = all > 0 ? ` Most come from ${names[0]} (${Math.round((first / all) * 100)} %).` : "";
  const span = duration((points[points.length - 1].t - points[0].t) / 1000);
  const most = Math.max(...totals);
  const cut = topOf(totals) === undefined ? "" : ` The burst of ${rate(most)} is cut off in the picture.`;
  return `Over ${span}: ${newest} ${rate(totals.at(-1))} events a second, ` +
    `between ${rate(Math.min(...totals))} and ${rate(most)}, ${
      rate(all / seconds.reduce((sum, one) => sum + one, 0))
    } on average.${share}${cut}`;
}

export function freshnessData(samples: Samples, from: number): ChartData {
  const seen = samples.since(from);
  const line = (name: string, metric: string) => ({
    name,
    values: seen.map((one) => one.metrics[metric] ?? null),
  });
  const series = [line("freshness", "freshness_seconds"), line("lag", "lag_seconds")]
    .filter((one) => one.values.some((value) => value !== null));
  const known = (series[0]?.values ?? []).filter((value) => value !== null);
  return {
    kind: "line",
    x: { kind: "time", name: "Time (UTC)", values: seen.map((one) => one.t / 1000) },
    series,
    format: (value) => `${rate(value)} s`,
    summary: known.length === 0
      ? "Not known yet."
      : `Rows are queryable ${rate(known.at(-1))} s after they arrive; at most ${
        rate(Math.max(...known))
      } s while this page was open.`,
  };
}

const STEPS: readonly [metric: string, words: string][] = [
  ["append_p95_seconds", "to append"],
  ["checkpoint_p95_seconds", "to decide a checkpoint"],
  ["publish_p95_seconds", "to publish"],
];

/** How long the steps take; empty while none was measured. */
export function latencySentence(metrics: LivePayload["metrics"]): string {
  const known = STEPS.flatMap(([metric, words]) => {
    const seconds = metrics[metric];
    return seconds === null || seconds === undefined ? [] : [`${milliseconds(seconds)} ${words}`];
  });
  return known.length === 0 ? "" : `In the last minute 95 % took at most ${known.join(", ")}.`;
}

function milliseconds(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 10_000) / 10} ms` : `${rate(seconds)} s`;
}
