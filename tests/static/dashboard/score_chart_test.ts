import assert from "node:assert/strict";
import { scoreData } from "../../../static/dashboard/score_chart.ts";
import type { Rows } from "../../../static/engine/result.ts";

Deno.test("`scoreData` speaks of one amount as of one", () => {
  const summary = (...scores: string[]) => {
    const text = (row: number, column: number) => column === 0 ? String(100 - row) : scores[row];
    return scoreData({ rowCount: scores.length, text } as Rows).summary;
  };
  assert.equal(summary(), "No amount was unusual for its user in this time.");
  assert.equal(summary("-4.26"), "1 amount was more than 3 deviations from its user's mean: by 4.3.");
  assert.equal(
    summary("3.5", "-4.26"),
    "2 amounts were more than 3 deviations from their user's mean; the farthest by 4.3.",
  );
});
