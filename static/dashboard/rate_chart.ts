/** Events a second by kind or by source, and freshness over time, from what the live stream has told. */
import type { ChartData } from "../shared/chart_data.ts";
import { duration, rate } from "../shared/format.ts";
import type { LivePayload, LivePoint } from "../shared/live.ts";

export type Grouping = "kinds" | "sources";

const MAX_SAMPLES = 3_600;

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
  // A server that is still reading has no kinds yet; what it knows is better than nothing.
  const grouping = points.some((point) => Object.keys(point[wanted]).length > 0) ? wanted : other(wanted);
  if (!points.some((point) => Object.keys(point[grouping]).length > 0)) return plainRate(samples, from);
  const names = namesBySize(points, grouping);
  const series = names.map((name) => ({ name, values: points.map((point) => point[grouping][name] ?? 0) }));
  return {
    kind: "stack",
    x: { kind: "time", name: "Time (UTC)", values: points.map((point) => point.t / 1000) },
    series,
    format: rate,
    summary: rateSummary(points, grouping, names),
  };
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

function rateSummary(points: readonly LivePoint[], grouping: Grouping, names: readonly string[]): string {
  const totals = points.map((point) => Object.values(point[grouping]).reduce((sum, value) => sum + value, 0));
  const all = totals.reduce((sum, value) => sum + value, 0);
  const first = points.reduce((sum, point) => sum + (point[grouping][names[0]] ?? 0), 0);
  const share = all > 0 ? ` Most come from ${names[0]} (${Math.round((first / all) * 100)} %).` : "";
  const span = duration((points[points.length - 1].t - points[0].t) / 1000);
  return `Over ${span}: now ${rate(totals.at(-1))} events a second, ` +
    `between ${rate(Math.min(...totals))} and ${rate(Math.max(...totals))}, ${
      rate(all / totals.length)
    } on average.${share}`;
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
