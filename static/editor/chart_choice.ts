/** Which chart suits a result, and the chart's numbers out of its rows. Pure. */
import type { ResultColumn, Rows } from "../engine/result.ts";
import type { ChartData, ChartKind } from "../shared/chart_data.ts";
import { count, plural } from "../shared/format.ts";

export interface ChartChoice {
  kind: ChartKind;
  x: number;
  y: number[];
  /** Column whose values make one line each; -1 for none. */
  by: number;
}

const MAX_POINTS = 20_000;
const MAX_LINES = 8;
/** So many names of what is left out are said. */
const NAMED = 5;

/** A sensible chart for these columns; null when no column holds numbers. */
export function guess(rows: Rows): ChartChoice | null {
  const of = (test: (column: ResultColumn) => boolean) => rows.columns.findIndex(test);
  const numbers = rows.columns.flatMap((column, at) => column.kind === "number" ? [at] : []);
  if (numbers.length === 0) return null;
  const time = of((column) => column.kind === "time" && column.type !== "TIME");
  const text = of((column) => column.kind === "text" || column.kind === "boolean");
  const x = time >= 0 ? time : text >= 0 ? text : numbers[0];
  const y = numbers.filter((at) => at !== x).slice(0, 4);
  const kind = time >= 0 ? "line" : text >= 0 ? "bar" : "scatter";
  const by = time >= 0 && text >= 0 ? text : -1;
  return { kind, x, y: by >= 0 ? y.slice(0, 1) : y.length > 0 ? y : [x], by };
}

export function chartData(rows: Rows, order: Uint32Array | null, choice: ChartChoice): ChartData {
  const total = order?.length ?? rows.rowCount;
  const taken = Array.from({ length: Math.min(total, MAX_POINTS) }, (_, at) => order ? order[at] : at);
  const column = rows.columns[choice.x];
  const kind = column.kind === "time" ? "time" : column.kind === "number" ? "number" : "category";
  const xOf = (row: number) =>
    kind === "category" ? rows.text(row, choice.x) ?? "NULL" : numberAt(rows, row, choice.x);
  const { keys, placeOf } = placesOf(taken, xOf, choice.kind === "scatter", kind !== "category");
  const nameOf = (row: number, y: number) =>
    choice.by >= 0 ? rows.text(row, choice.by) ?? "NULL" : rows.columns[y].name;
  const { drawn, leftOut } = largest(
    taken.flatMap((row) =>
      choice.y.map((y) => ({ name: nameOf(row, y), value: numberAt(rows, row, y) ?? 0 }))
    ),
  );
  const lines = new Map(drawn.map((name) => [name, keys.map((): number | null => null)]));
  let covered = 0;
  for (const row of taken) {
    const place = placeOf(row);
    if (place === undefined) continue;
    for (const y of choice.y) {
      const line = lines.get(nameOf(row, y));
      if (!line) continue;
      if (line[place] !== null) covered += 1;
      line[place] = numberAt(rows, row, y);
    }
  }
  const series = [...lines].map(([name, values]) => ({ name, values }));
  const left = total > taken.length
    ? ` Only the first ${count(MAX_POINTS)} of ${count(total)} rows are drawn.`
    : "";
  const dropped = leftOut.length > 0
    ? ` Only the ${MAX_LINES} largest of ${count(MAX_LINES + leftOut.length)} lines are drawn: ${
      few(leftOut)
    } left out.`
    : "";
  const hidden = covered > 0
    ? ` ${plural(covered, "value is", "values are")} not drawn: a later row has the same ${column.name}${
      choice.by >= 0 ? ` and ${rows.columns[choice.by].name}` : ""
    }.`
    : "";
  return {
    kind: choice.kind,
    x: { kind, name: column.name, values: keys },
    series,
    summary: sentence(rows, choice, series, keys.length) + left + dropped + hidden,
  };
}

/** What stands along, and where in it each row is: rows alike share a place, but as dots, which cover nothing. */
function placesOf(
  taken: readonly number[],
  xOf: (row: number) => string | number | null,
  isScatter: boolean,
  isOrdered: boolean,
): { keys: (string | number)[]; placeOf: (row: number) => number | undefined } {
  const known = taken.flatMap((row) => {
    const key = xOf(row);
    return key === null ? [] : [{ row, key }];
  });
  if (isOrdered) known.sort((a, b) => Number(a.key) - Number(b.key));
  if (isScatter && isOrdered) {
    const places = new Map(known.map(({ row }, at) => [row, at]));
    return { keys: known.map(({ key }) => key), placeOf: (row) => places.get(row) };
  }
  const keys = [...new Set(known.map(({ key }) => key))];
  const places = new Map(keys.map((key, at) => [key, at]));
  return { keys, placeOf: (row) => places.get(xOf(row) ?? "") };
}

/** Names of the lines that add up to most, in the order in which they came, and those of the others. */
function largest(values: readonly { name: string; value: number }[]): { drawn: string[]; leftOut: string[] } {
  const sums = new Map<string, number>();
  for (const { name, value } of values) sums.set(name, (sums.get(name) ?? 0) + Math.abs(value));
  const names = [...sums.keys()];
  const chosen = new Set(names.toSorted((a, b) => sums.get(b)! - sums.get(a)!).slice(0, MAX_LINES));
  return {
    drawn: names.filter((name) => chosen.has(name)),
    leftOut: names.filter((name) => !chosen.has(name)),
  };
}

/** Some names in a sentence, with their verb. */
function few(names: readonly string[]): string {
  if (names.length === 1) return `${names[0]} is`;
  const more = names.length > NAMED ? ` and ${count(names.length - NAMED)} more` : "";
  return `${names.slice(0, NAMED).join(", ")}${more} are`;
}

function numberAt(rows: Rows, row: number, column: number): number | null {
  const text = rows.text(row, column);
  if (text === null) return null;
  const isTime = rows.columns[column].kind === "time";
  const number = isTime
    ? Date.parse(`${text.replace(" ", "T")}${text.length > 10 ? "Z" : ""}`) / 1000
    : Number(text);
  return Number.isFinite(number) ? number : null;
}

function sentence(
  rows: Rows,
  choice: ChartChoice,
  series: readonly { name: string; values: readonly (number | null)[] }[],
  points: number,
): string {
  const all = series.flatMap((one) => one.values).filter((value) => value !== null);
  if (all.length === 0) return "There is nothing to draw.";
  const [low, high] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const what = choice.y.map((at) => rows.columns[at].name).join(", ");
  return `${what} along ${plural(points, "value")} of ${rows.columns[choice.x].name}: from ${round(low)} to ${
    round(high)
  }.`;
}

function round(value: number): string {
  return String(Math.abs(value) < 0.01 ? Number(value.toPrecision(3)) : Math.round(value * 100) / 100);
}
