/** Rules tried on events of the past, where others wait for the same thread. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { rulesControl } from "../../lib/configuration.ts";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { tryRules } from "../../lib/lake/rule_trial.ts";
import { createSources } from "../../lib/source/sources.ts";

const EVENTS = 5_000;
const NOW_MS = Date.UTC(2026, 0, 1);
const RULES = "rules: [{ name: large, kind: threshold, severity: low, limit: 1, cool_down: 1 ms }]";

Deno.test("tryRules lets others have their turn while it goes through many events", async () => {
  const kinds = kindsOf();
  const rows = Array.from({ length: EVENTS }, (_, offset) => [
    0,
    offset,
    NOW_MS,
    "token",
    "transaction",
    "application/json",
    JSON.stringify({
      event_id: `e${offset}`,
      timestamp: NOW_MS,
      user_id: "u",
      amount: "2",
      currency: "EUR",
      status: "completed",
    }),
    "{}",
  ]);
  const trial = tryRules(rulesControl(RULES, kinds), 1, {
    judge: createJudge({ kinds, sources: createSources() }),
    kinds,
    changes: new Map(),
    defaults: { out_of_orderness_ms: 10_000, allowed_lateness_ms: 3_600_000 },
    now: NOW_MS,
    max_events: EVENTS,
    ask: () => Promise.resolve(rows),
  });
  let isDone = false;
  trial.finally(() => isDone = true);
  let turns = 0;
  while (!isDone) {
    await setImmediate();
    turns++;
  }
  const { alerts, events, truncated } = await trial;
  deepStrictEqual({ alerts, events, truncated }, { alerts: 1, events: EVENTS, truncated: false });
  ok(turns > 5, `${turns} turns`);
});
