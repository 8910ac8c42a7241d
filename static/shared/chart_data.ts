/** What a chart is made of, and the numbers that are drawn for it. Pure. */

export type ChartKind = "line" | "area" | "stack" | "bar" | "scatter";

export interface ChartSeries {
  name: string;
  values: readonly (number | null)[];
}

export interface ChartData {
  kind: ChartKind;
  /** Times in seconds since 1970, numbers, or names of categories. */
  x: { kind: "time" | "number" | "category"; name: string; values: readonly (number | string)[] };
  series: readonly ChartSeries[];
  /** Where the axis ends though some values are higher; without it at the highest. */
  top?: number;
  /** How values read in the legend, the axis and the table. */
  format?: (value: number) => string;
  /** What the chart says, in one or two sentences. */
  summary: string;
}

/** Along first, then one column a series. */
type PlotData = [number[], ...(number | null)[][]];

/** Series in the order of drawing: of a stack the highest sum first, so that lower ones stand in front of it. */
export function stackOrder(data: ChartData, visible: readonly ChartSeries[]): readonly ChartSeries[] {
  return data.kind === "stack" ? [...visible].reverse() : visible;
}

/** The columns that are drawn, places along first. */
export function plotData(data: ChartData, visible: readonly ChartSeries[]): PlotData {
  const x = data.x.kind === "category" ? data.x.values.map((_, at) => at) : data.x.values.map(Number);
  const values = data.kind === "stack"
    ? runningSums(visible).reverse()
    : visible.map((one) => [...one.values]);
  return [x, ...values];
}

/** Of each series the sum of itself and those before it, place by place. Pure. */
export function runningSums(series: readonly ChartSeries[]): number[][] {
  const sums: number[][] = [];
  for (const one of series) {
    const below = sums.at(-1);
    sums.push(one.values.map((value, at) => (value ?? 0) + (below?.[at] ?? 0)));
  }
  return sums;
}

/** Places of values without a neighbour: no line goes through them, so each is drawn as a dot. Pure. */
export function lonelyPlaces(values: readonly (number | null | undefined)[]): number[] {
  const isThere = (at: number) => values[at] !== null && values[at] !== undefined;
  return values.flatMap((_, at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1) ? [at] : []);
}

/** Where the axis begins and ends: around a single place as much as makes marks that can be read. Pure. */
export function xRange({ kind, values }: ChartData["x"], min: number, max: number): [number, number] {
  if (kind === "category") return [min - 0.6, max + 0.6];
  if (values.length !== 1) return [min, max];
  const place = Number(values[0]);
  const around = kind === "time" ? 30 : Math.max(1, Math.abs(place) / 10);
  return [place - around, place + around];
}

/**
 * Where the bars of one series among several begin and how wide each is, in the axis's own measure: side by side, because
 * a bar behind a higher one is not seen. Pure.
 */
export function barsBeside(
  along: readonly number[],
  { at, of, widest }: { at: number; of: number; widest: number },
): { starts: number[]; width: number } {
  const gap = along.slice(1).reduce((least, place, n) => Math.min(least, place - along[n]), Infinity);
  const width = Math.min((gap * 0.75) / of, widest);
  return { starts: along.map((place) => place + (at - of / 2) * width), width };
}

/** A mark of the time axis, as exact as the step between marks asks for. */
export function timeMark(seconds: number, step: number): string {
  const text = new Date(seconds * 1000).toISOString();
  if (step >= 86_400) return text.slice(5, 10);
  if (step >= 60) return text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16);
  return text.slice(11, 19);
}

/** A name that fits under its mark. */
export function shortened(text: string): string {
  return text.length > 14 ? `${text.slice(0, 13)}…` : text;
}
