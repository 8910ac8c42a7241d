import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Scoreboard } from "../../lib/generator/score.ts";

const label = (event_id: string, burst_id: string | null, rule: string | null = "r") => ({
  event_id,
  pattern: "p",
  rule,
  burst_id,
});

Deno.test("Scoreboard counts bursts that were found, and alerts that were right", () => {
  const scores = new Scoreboard();
  for (const [event, burst] of [["a", "1"], ["b", "1"], ["c", "2"], ["d", "3"]]) {
    scores.labelled(label(event, burst));
  }
  scores.labelled(label("e", null, null));
  scores.alerted("r", "a");
  scores.alerted("r", "b");
  scores.alerted("r", "c");
  scores.alerted("r", "e");
  scores.alerted("other", "a");
  deepStrictEqual(scores.score("r"), {
    rule: "r",
    bursts: 3,
    found: 2,
    recall: 2 / 3,
    alerts: 4,
    right: 3,
    precision: 3 / 4,
  });
  strictEqual(scores.score("other").precision, 0);
});

Deno.test("Scoreboard says nothing of a rule that nothing is known of", () => {
  const { recall, precision } = new Scoreboard().score("unheard");
  deepStrictEqual([recall, precision], [null, null]);
});
