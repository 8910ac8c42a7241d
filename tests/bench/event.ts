/** From the bytes of a record to its normalised row, all kinds, one thread; reference: `JSON.parse` of the same bytes. */
import process from "node:process";
import { Generator } from "../../lib/generator/generator.ts";
import { readGeneratorFile } from "../../lib/generator/generator_file.ts";
import { DEMO_SOURCE } from "../../lib/generator/on_log.ts";
import { createJudge } from "../../lib/event/judge.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import type { LogRecord } from "../../lib/log/log.ts";
import { createSources } from "../../lib/source/sources.ts";
import type { Bench } from "./bench.ts";

const EVENTS = 40_000;
const ROUNDS = 15;
/** As much of each kind, all of them right: what is wrong ends earlier. */
const EVEN = `
weights: {transaction: 1, clickstream: 1, user_activity: 1, api_call: 1, sensor_reading: 1, transaction_status: 1}
fraud_share: 0
malformed_share: 0
duplicate_share: 0
late_share: 0
`;

export const eventBench: Bench = {
  name: "event",
  run() {
    const records = recordsOf(EVENTS);
    const { judge } = createJudge({ kinds: kindsOf(), sources: createSources() });
    const decoder = new TextDecoder();
    const ours: number[] = [];
    const theirs: number[] = [];
    // The least disturbed round of each counts: they are short, and a machine has other things to do.
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(rate(records, ({ value }) => typeof JSON.parse(decoder.decode(value!)) === "object"));
      ours.push(rate(records, (record) => judge(record).verdict === "row"));
    }
    return Promise.resolve([{
      what: "records judged, all kinds",
      value: Math.max(...ours),
      unit: "events/s",
      reference: { what: "JSON.parse of their bytes", value: Math.max(...theirs) },
      must: 0.15,
      goal: 0.3,
    }]);
  },
};

function recordsOf(count: number): LogRecord[] {
  const now_ms = Date.UTC(2026, 10, 20, 12);
  const generator = new Generator({ seed: 1, config: readGeneratorFile(EVEN), events_per_second: 1_000 });
  return Array.from({ length: count }, (_, offset) => {
    const { kind, value } = generator.next(now_ms + offset);
    const headers = { source: DEMO_SOURCE, kind, content_type: "application/json" };
    return { partition: 0, offset, key: null, value, headers, received_at: now_ms + offset };
  });
}

function rate(records: readonly LogRecord[], use: (record: LogRecord) => boolean): number {
  const began = cpuSeconds();
  let right = 0;
  for (const record of records) if (use(record)) right++;
  if (right !== records.length) throw new Error(`${records.length - right} of the records are not right`);
  return records.length / (cpuSeconds() - began);
}

/** Of this process so far: one core's figure does not care what the other things on the machine do. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
