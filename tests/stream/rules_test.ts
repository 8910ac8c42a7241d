/** Rules against a plain evaluation with all history at hand, and what editing, disabling and failing do to them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { PartitionState } from "../../lib/checkpoint/state.ts";
import type { KeyedState, StateSpace, StreamOutput } from "../../lib/stream/operator.ts";
import { createPipeline } from "../../lib/stream/pipeline.ts";
import { amountOf } from "../../lib/stream/rule_engine.ts";
import { QuietHoursRule, quietHoursRule } from "../../lib/stream/quiet_hours_rule.ts";
import { parseRules, readRuleFile } from "../../lib/stream/rule_definition.ts";
import type { RuleEvaluator } from "../../lib/stream/rule_fields.ts";
import { batchAlerts, type Seen } from "./batch_rules.ts";
import { timeOf } from "./batch_windows.ts";
import {
  DEFAULTS,
  KINDS,
  newPipeline,
  randomRecords,
  rulesRecord,
  run,
  SHIPPED_RULES,
  START_MS,
  type Step,
  step,
  streamEvent,
  type TestRecord,
} from "./stream_case.ts";

/** Tight enough that random events meet them, and the sequence that ships disabled. */
const TIGHT = readRuleFile(
  `rules:
  - { name: above, kind: threshold, severity: high, limit: { default: 11, JPY: 19000 } }
  - { name: pair, kind: velocity, severity: low, count: 2, window: 60 s }
  - { name: trio, kind: velocity, severity: low, count: 3, window: 10 s, cool_down: 1 s }
  - { name: night, kind: quiet_hours, severity: low, from: "23:30", to: "09:15", time_zone: America/New_York }
  - { name: evening, kind: quiet_hours, severity: low, from: "13:45", to: "15:00", time_zone: Asia/Kathmandu }
  - { name: odd, kind: z_score, severity: medium, limit: 0.8137, min_history: 3, escalate: { above: 1.5137, severity: critical } }
  - { name: jump, kind: impossible_travel, severity: high, max_speed_kmh: 300, cool_down: 0 s }
  - { name: varied, kind: distinct, severity: low, field: merchant_id, count: 3, among: 4 }
  - { name: tested, kind: sequence, severity: high, within: 10 min, cool_down: 1 ms,
      steps: [{ status: failed }, { status: failed }, { status: completed, amount: { above: 1 } }] }
  - { name: recovered, kind: sequence, severity: high, within: 1 h, without: { status: refunded }, cool_down: 1 ms,
      steps: [{ status: failed }, { country: [DE, FR] }, { status: approved }] }
`,
  KINDS,
);

function seen(records: readonly TestRecord[], steps: readonly Step[]): Seen[] {
  const all: Seen[] = [];
  let watermark_us = -Infinity;
  records.forEach((record, offset) => {
    if ("tick_ms" in record && watermark_us > -Infinity) {
      watermark_us = Math.max(
        watermark_us,
        (START_MS + record.tick_ms - DEFAULTS.out_of_orderness_ms) * 1000,
      );
    }
    if (!("event" in record)) return;
    const event = streamEvent(record.event, offset);
    const late = timeOf(event) < watermark_us - DEFAULTS.allowed_lateness_ms * 1000;
    assert.equal(steps[offset].accepted!.late, late);
    if (late) return;
    all.push({ event, watermark_us });
    watermark_us = Math.max(watermark_us, timeOf(event) - DEFAULTS.out_of_orderness_ms * 1000);
  });
  return all;
}

function alerts(steps: readonly Step[]): StreamOutput[] {
  return steps.flatMap(({ outputs }) => outputs).filter(({ table }) => table === "analytics.alerts");
}

function shown({ row }: StreamOutput): string {
  const { suppressed } = row.context as { suppressed: number };
  const ids = (row.trigger_event_ids as string[]).join();
  return `${row.rule} ${row.key} ${row.event_id} ${suppressed} ${row.severity} ${ids}`;
}

for (const [name, rules] of [["shipped", SHIPPED_RULES], ["tight", TIGHT]] as const) {
  Deno.test(`the alerts of the ${name} rules equal an evaluation with all history`, () => {
    fc.assert(
      fc.property(randomRecords, (random) => {
        const records = [rulesRecord(rules), ...random];
        const { steps } = run(records);
        assert.deepEqual(alerts(steps).map(shown), batchAlerts(rules.definitions, seen(records, steps)));
      }),
      { numRuns: 40 },
    );
  });
}

Deno.test("rules resumed after every record equal rules that never stopped", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const records = [rulesRecord(TIGHT), ...random];
      assert.deepEqual(run(records, () => true).steps, run(records).steps);
    }),
    { numRuns: 20 },
  );
});

const payment = (at_ms: number, row: Record<string, string | number> = {}): TestRecord => ({
  event: { at_ms, row: { user_id: "u1", currency: "EUR", amount: "5.0000", status: "completed", ...row } },
});

function edited(text: string): TestRecord {
  return rulesRecord(readRuleFile(text, KINDS));
}

const PAIR = "{ name: pair, kind: velocity, severity: low, count: 2, window: 60 s }";

Deno.test("a rule whose own text stays keeps its state when others change; a changed one starts empty", () => {
  const other = "{ name: above, kind: threshold, severity: low, limit: 1 }";
  const records = (second: string) => [edited(`rules: [${PAIR}]`), payment(0), edited(second), payment(1000)];
  const pairs = (second: string) =>
    alerts(run(records(second)).steps).filter(({ row }) => row.rule === "pair");
  assert.equal(pairs(`rules: [${other}, ${PAIR}]`).length, 1);
  assert.equal(
    pairs(`rules: [{ severity: low, name: pair, window: 60 s, kind: velocity, count: 2 }]`).length,
    1,
  );
  assert.equal(pairs(`rules: [${PAIR.replace("60 s", "61 s")}]`).length, 0);
  assert.equal(pairs(`rules: [${PAIR.replace("{", "{ enabled: false,")}]`).length, 0);
});

Deno.test("each alert names the version of the rules that raised it", () => {
  const one = edited("rules: [{ name: above, kind: threshold, severity: low, limit: 1, cool_down: 1 ms }]");
  const two = edited("rules: [{ name: above, kind: threshold, severity: low, limit: 2, cool_down: 1 ms }]");
  const found = alerts(run([one, payment(0), two, payment(10)]).steps).map(({ row }) => row.rule_version);
  assert.deepEqual(found, [one, two].map((record) => (record as { body: { version: string } }).body.version));
});

Deno.test("a refused rules record leaves the old rules in force; an empty one means no rules", () => {
  const records = (
    body: unknown,
  ): TestRecord[] => [edited(`rules: [${PAIR}]`), { control: "rules", body }, payment(0), payment(1)];
  const broken = run(records({ version: "x", rules: [{ name: "pair", kind: "velocity" }] })).steps;
  assert.match(broken[1].refused!, /0\.severity/);
  assert.equal(alerts(broken).length, 1);
  assert.match(run(records("nonsense")).steps[1].refused!, /not \{version/);
  assert.equal(alerts(run(records({ version: "y", rules: [] })).steps).length, 0);
});

function broken<T>(space: StateSpace<T>): StateSpace<T> {
  return {
    get: () => {
      throw new RangeError("the memory of pair is broken");
    },
    put: (key, value) => space.put(key, value),
    delete: (key) => space.delete(key),
    clear: () => space.clear(),
    entries: () => space.entries(),
  };
}

Deno.test("a rule that throws is named, its row is kept, and the others go on", () => {
  const inner = new PartitionState();
  const failing: KeyedState = {
    space: <T>(name: string, family?: string): StateSpace<T> =>
      name.startsWith("rule/pair/") ? broken(inner.space<T>(name, family)) : inner.space(name, family),
    release: (name) => inner.release(name),
    spaces: () => inner.spaces(),
  };
  const pipeline = createPipeline({ partition: 3, state: failing, defaults: DEFAULTS, kinds: KINDS });
  const rules = edited(`rules: [${PAIR}, { name: above, kind: threshold, severity: low, limit: 1 }]`);
  step(pipeline, rules, 0);
  const { accepted } = step(pipeline, payment(0), 1);
  assert.deepEqual(accepted!.failures, [{ rule: "pair", message: "the memory of pair is broken" }]);
  assert.deepEqual(accepted!.outputs.map(({ row }) => row.rule), ["above"]);
  assert.equal(accepted!.cells.user_txn_count, 0);
});

Deno.test("an alert's id depends on rule, key, source and event alone", () => {
  const rule = (limit: number) =>
    edited(`rules: [{ name: above, kind: threshold, severity: low, limit: ${limit} }]`);
  const [a] = alerts(run([rule(1), payment(0)]).steps);
  const [b] = alerts(run([rule(2), payment(0)]).steps);
  const [c] = alerts(run([rule(2), payment(0, { user_id: "u2" })]).steps);
  assert.equal(a.id, b.id);
  assert.equal(a.row.alert_id, a.id);
  assert.notEqual(a.id, c.id);
});

Deno.test("`suppressed` tells how many firings the cool-downs hold back now", () => {
  const state = new PartitionState();
  const pipeline = newPipeline(state);
  [edited(`rules: [${PAIR}]`), payment(0), payment(1), payment(2), payment(3)].forEach((record, offset) =>
    step(pipeline, record, offset)
  );
  assert.deepEqual(pipeline.inForce().suppressed, { pair: 2 });
  step(pipeline, payment(60_001), 5);
  step(pipeline, payment(60_002), 6);
  assert.deepEqual(pipeline.inForce().suppressed, { pair: 1 });
  assert.deepEqual(newPipeline(state).inForce().suppressed, { pair: 1 });
});

Deno.test("history that nothing can need is forgotten by event time; statistics are not", () => {
  const records = [
    rulesRecord(TIGHT),
    payment(0, { lat: 1, lon: 1, merchant_id: "m" }),
    payment(1, { status: "failed" }),
  ];
  const spaces = (tick_ms: number) =>
    [...run([...records, { tick_ms }]).state.spaces()].filter((space) => space.startsWith("rule/")).map((
      space,
    ) => space.split("/")[1]).sort();
  assert.deepEqual(spaces(60_000), ["jump", "pair", "recovered", "tested", "trio", "varied"]);
  assert.deepEqual(spaces(4 * 3_600_000), ["jump", "varied"]);
  assert.deepEqual(spaces(26 * 3_600_000), []);
  const { state } = run([...records, { tick_ms: 26 * 3_600_000 }]);
  assert.ok([...state.spaces()].includes("statistics"));
});

Deno.test("every rule that ships is read, and only the sequence is disabled", () => {
  const { definitions } = parseRules(SHIPPED_RULES.rules, KINDS);
  assert.equal(definitions.length, 9);
  assert.deepEqual(definitions.filter(({ enabled }) => !enabled).map(({ kind }) => kind), ["sequence"]);
});

Deno.test("quiet hours follow a clock that changes off the quarter hour, and one with seconds in its offset", () => {
  const fires = (time_zone: string, [from, to]: string[], at: string) => {
    const rule = QuietHoursRule.parse({
      name: "n",
      kind: "quiet_hours",
      severity: "low",
      from,
      to,
      time_zone,
    });
    const subject = { event_us: Date.parse(at) * 1000 } as Parameters<RuleEvaluator["evaluate"]>[0];
    const found = quietHoursRule(rule).evaluate(subject, "", undefined as never);
    return found?.context?.local_time ?? null;
  };
  const night = ["01:00", "05:00"];
  assert.equal(fires("America/St_Johns", night, "2007-03-11T03:31:00Z"), "01:01");
  assert.equal(fires("America/St_Johns", night, "2007-03-11T03:40:00Z"), "01:10");
  const noon = ["12:00", "12:30"];
  assert.equal(fires("Africa/Monrovia", noon, "1971-06-01T12:44:30Z"), "12:00");
  assert.equal(fires("Africa/Monrovia", noon, "1971-06-01T13:14:31Z"), null);
  assert.equal(fires("UTC", noon, "2026-01-01T12:29:59.999Z"), "12:29");
});

Deno.test("an alert of a kind of one's own says an amount only where it is one", () => {
  for (const [cell, wanted] of [["12 EUR", null], ["12.5000", "12.5000"], ["1e3", null], [7, null]]) {
    assert.equal(amountOf(cell), wanted);
  }
});
