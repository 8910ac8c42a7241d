/** What a log must let its reader promise: the same bytes come of it, however fast it is read and whoever reads on. */
import { deepStrictEqual, fail, ok } from "node:assert/strict";
import type { EventLog, NewRecord } from "../../lib/log/log.ts";
import { direct, type Pace, replay } from "./replay.ts";
import { CHANGING_RULES, changingRecords } from "./changing_scene.ts";
import { sceneRecords } from "./scene.ts";

const EVENTS = 1_500;
const SEED = 11;

/** In one go; a checkpoint after every few dozen records; a new owner, restored from state, after every few checkpoints. */
const PACES: readonly Pace[] = [
  { records_a_read: 4_000, checkpoint_ms: 1e9, takes_over_after: null },
  { records_a_read: 61, checkpoint_ms: 0, takes_over_after: null },
  { records_a_read: 17, checkpoint_ms: 0, takes_over_after: 5 },
];

export function replayContract(
  name: string,
  withLog: (use: (log: EventLog) => Promise<unknown>) => Promise<void>,
) {
  Deno.test({
    name: `a replay of ${name} gives byte-equal rows at three paces`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => withLog((log) => compare(log, sceneRecords(SEED, EVENTS))),
  });
  Deno.test({
    name:
      `a replay of ${name} through changes of columns that rules and windows name gives byte-equal rows at three paces`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      withLog(async (log) => {
        const expected = await compare(log, changingRecords(SEED, EVENTS));
        for (const { name } of CHANGING_RULES) {
          ok(expected.get("analytics.alerts")!.includes(`"${name}"`), name);
        }
      }),
  });
}

/** With what the records give when no log, no checkpoint and no owner stands between them and the processor. */
async function compare(log: EventLog, records: readonly NewRecord[]): Promise<Map<string, string>> {
  const expected = direct(records);
  ok(expected.size > 12);
  await log.append("events", records);
  for (const pace of PACES) {
    const { texts, checkpoints } = await replay(log, pace);
    ok(pace.checkpoint_ms > 0 ? checkpoints < 5 : checkpoints > 20, `${checkpoints} checkpoints`);
    deepStrictEqual([...texts.keys()].sort(), [...expected.keys()].sort());
    for (const [where, text] of expected) {
      if (texts.get(where) !== text) fail(`${where} differs: ${firstDifference(texts.get(where)!, text)}`);
    }
  }
  return expected;
}

function firstDifference(actual: string, expected: string): string {
  const [left, right] = [actual.split("\n"), expected.split("\n")];
  const at = left.findIndex((line, i) => line !== right[i]);
  return `line ${at}\n${left[at]}\n${right[at]}`;
}
