/** Counters, gauges and histograms of one process, its threads included, as Prometheus text. */
import { declarationOf, type LabelsOf, METRIC_PREFIX, METRICS, type NameOf } from "./metric_names.ts";

/** One series as plain data, so that a worker can post it to the main thread. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
  /** Of a histogram: counts per bucket (not cumulative, the last one is +Inf); `value` is then the sum. */
  counts?: readonly number[];
}

export interface Counter {
  add(by?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

interface Series {
  labels: Readonly<Record<string, string>>;
  value: number;
  counts?: number[];
}

/** Series a metric at most; more would come from hostile label values, and meet in one series `other`. */
const MAX_SERIES = 500;

export class Metrics {
  readonly #series = new Map<string, Map<string, Series>>();
  readonly #absorbed = new Map<string, readonly Sample[]>();
  readonly #collectors: (() => void)[] = [];

  counter<N extends NameOf<"counter">>(name: N, labels: LabelsOf<N>): Counter {
    const series = this.#of(name, labels);
    return { add: (by = 1) => void (series.value += by) };
  }

  gauge<N extends NameOf<"gauge">>(name: N, labels: LabelsOf<N>): Gauge {
    const series = this.#of(name, labels);
    return { set: (value) => void (series.value = value) };
  }

  histogram<N extends NameOf<"histogram">>(name: N, labels: LabelsOf<N>): Histogram {
    const series = this.#of(name, labels);
    const bounds: readonly number[] = METRICS[name].buckets;
    const counts = series.counts ??= new Array(bounds.length + 1).fill(0);
    return {
      observe(value) {
        const at = bounds.findIndex((bound) => value <= bound);
        counts[at < 0 ? bounds.length : at]++;
        series.value += value;
      },
    };
  }

  /** Forgets a series, for a partition or table that is no longer ours. */
  drop<N extends NameOf<"gauge">>(name: N, labels: LabelsOf<N>): void {
    this.#series.get(name)?.delete(keyOf(name, labels));
  }

  /** Calls `collect` before each reading, for gauges that are cheaper to ask than to keep. */
  beforeReading(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** This thread's series, to be posted to whoever absorbs them. */
  samples(): Sample[] {
    for (const collect of this.#collectors) collect();
    const out: Sample[] = [];
    for (const [name, all] of this.#series) {
      for (const { labels, value, counts } of all.values()) {
        out.push({ name, labels, value, ...(counts ? { counts: [...counts] } : {}) });
      }
    }
    return out;
  }

  /** Takes another thread's latest samples; they replace what `origin` said before. */
  absorb(origin: string, samples: readonly Sample[]): void {
    this.#absorbed.set(origin, samples);
  }

  /** Keeps the counts of a thread that ended, lets go of its gauges. */
  retire(origin: string): void {
    for (const sample of this.#absorbed.get(origin) ?? []) {
      if (declarationOf(sample.name)?.kind === "gauge") continue;
      addInto(this.#of(sample.name, sample.labels), sample);
    }
    this.#absorbed.delete(origin);
  }

  /** All series of all threads, equal labels added. */
  merged(): Sample[] {
    const sums = new Map<string, Sample & Series>();
    for (const sample of [...this.samples(), ...[...this.#absorbed.values()].flat()]) {
      const key = keyOf(sample.name, sample.labels);
      const sum = sums.get(key);
      if (sum) addInto(sum, sample);
      else sums.set(key, { ...sample, counts: sample.counts ? [...sample.counts] : undefined });
    }
    return [...sums.values()];
  }

  #of(name: string, labels: Readonly<Record<string, string>>): Series {
    let all = this.#series.get(name);
    if (!all) this.#series.set(name, all = new Map());
    let key = keyOf(name, labels);
    let series = all.get(key);
    if (series) return series;
    if (all.size >= MAX_SERIES) {
      labels = Object.fromEntries(Object.keys(labels).map((label) => [label, "other"]));
      key = keyOf(name, labels);
      series = all.get(key);
      if (series) return series;
    }
    all.set(key, series = { labels, value: 0 });
    return series;
  }
}

function addInto(series: Series, sample: Sample): void {
  series.value += sample.value;
  if (!sample.counts) return;
  const counts = series.counts ??= new Array(sample.counts.length).fill(0);
  for (let i = 0; i < sample.counts.length; i++) counts[i] += sample.counts[i];
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  const declared = declarationOf(name)?.labels ?? [];
  return name + declared.map((label) => `\u0000${labels[label] ?? ""}`).join("");
}

/**
 * The text that Prometheus reads (version 0.0.4), families in the order of their declaration. A family without series
 * is named all the same, so that people see what there will be.
 */
export function prometheusText(samples: readonly Sample[]): string {
  const lines: string[] = [];
  for (const name of Object.keys(METRICS)) {
    const family = samples.filter((sample) => sample.name === name);
    const declared = declarationOf(name);
    if (!declared) continue;
    const full = METRIC_PREFIX + name;
    lines.push(`# HELP ${full} ${declared.help}`, `# TYPE ${full} ${declared.kind}`);
    for (const sample of family) {
      if (declared.buckets) lines.push(...histogramLines(full, sample, declared.buckets));
      else lines.push(`${full}${labelText(sample.labels)} ${numberText(sample.value)}`);
    }
  }
  return lines.join("\n") + "\n";
}

function histogramLines(full: string, sample: Sample, bounds: readonly number[]): string[] {
  let below = 0;
  const lines = [...bounds.map(String), "+Inf"].map((le, at) => {
    below += sample.counts?.[at] ?? 0;
    return `${full}_bucket${labelText({ ...sample.labels, le })} ${below}`;
  });
  const labels = labelText(sample.labels);
  return [...lines, `${full}_sum${labels} ${numberText(sample.value)}`, `${full}_count${labels} ${below}`];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}
