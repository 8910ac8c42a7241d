/** Amounts far from their user's mean, as dots along their times. Pure. */
import type { Rows } from "../engine/result.ts";
import type { ChartData } from "../shared/chart_data.ts";
import { plural } from "../shared/format.ts";

/** Of rows with the time in seconds and the score, newest first. */
export function scoreData(rows: Rows): ChartData {
  const at = Array.from({ length: rows.rowCount }, (_, row) => row).reverse();
  const scores = at.map((row) => Number(rows.text(row, 1)));
  return {
    kind: "scatter",
    x: { kind: "time", name: "Event time (UTC)", values: at.map((row) => Number(rows.text(row, 0))) },
    series: [{ name: "z-score", values: scores }],
    format: (value) => value.toFixed(1),
    summary: scores.length === 0
      ? "No amount was unusual for its user in this time."
      : unusual(scores.length, Math.max(...scores.map(Math.abs))),
  };
}

function unusual(amounts: number, highest: number): string {
  const [were, their, farthest] = amounts === 1
    ? ["was", "its", `: by ${highest.toFixed(1)}`]
    : ["were", "their", `; the farthest by ${highest.toFixed(1)}`];
  return `${plural(amounts, "amount")} ${were} more than 3 deviations from ${their} user's mean${farthest}.`;
}
