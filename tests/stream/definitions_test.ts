/** Files of windows and rules: what is read, and what is refused whole with line and reason. */
import assert from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { readKindsFile } from "../../lib/event/kinds_file.ts";
import { readRuleFile } from "../../lib/stream/rule_definition.ts";
import { readWindowFile } from "../../lib/stream/window_definition.ts";
import { KINDS, SHIPPED_RULES, WINDOWS } from "./stream_case.ts";

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof Fault);
    assert.equal(error.blame, "sender");
    return error.message;
  }
  return assert.fail("was not refused");
}

const windows = (text: string) => refusal(() => readWindowFile(`windows:\n${text}`, KINDS));
const [NOTE] = readKindsFile(
  "kinds: [{name: note, doc: A note., fields: [{name: says, type: text, doc: What it says.}]}]",
);
const rules = (text: string) => refusal(() => readRuleFile(`rules:\n${text}`, kindsOf([NOTE])));
const minute = (more: string) =>
  `  - name: w\n    over: transaction\n    kind: tumbling\n    size: 60 s\n${more}`;

const COUNTED = "    aggregates: { n: { count: rows } }\n";

const WINDOW_REFUSALS: Record<string, [text: string, message: RegExp]> = {
  "a kind of event that is not there": [
    "  - { name: w, over: payments, kind: tumbling, size: 60, aggregates: { n: { count: rows } } }",
    /line 2: .*over payments is no kind/,
  ],
  "a field that the kind does not have": [
    minute("    aggregates:\n      n: { count: rows }\n      total:\n        sum: amout\n"),
    /line 9: .*aggregates\.total\.sum amout is no column/,
  ],
  "a sum of texts": [minute("    aggregates: { total: { sum: status } }\n"), /status is no number/],
  "a filter on an unknown field": [
    minute("    where: { state: failed }\n    aggregates: { n: { count: rows } }\n"),
    /line 6: .*where\.state is no column/,
  ],
  "a comparison that is misspelt": [
    minute("    where: { amount: { abov: 5 } }\n    aggregates: { n: { count: rows } }\n"),
    /line 6: /,
  ],
  "distinct values that partitions cannot bring together": [
    minute("    aggregates: { merchants: { distinct: merchant_id } }\n"),
    /cannot be brought together/,
  ],
  "a session over partitions": [
    "  - { name: w, over: transaction, key: [currency], kind: session, gap: 5 s, aggregates: { n: { count: rows } } }",
    /must hold the partition field/,
  ],
  "no whole seconds": [
    minute("    aggregates: { n: { count: rows } }\n").replace("60 s", "1500 ms"),
    /line 5: .*size is not whole seconds/,
  ],
  "a size that the slide does not divide": [
    "  - { name: w, over: transaction, kind: sliding, size: 90, slide: 60, aggregates: { n: { count: rows } } }",
    /size is no multiple of slide/,
  ],
  "the name of a column that every window has": [
    minute("    aggregates: { revision: { count: rows } }\n"),
    /is the name of another column/,
  ],
  "the name of another table": [
    minute("    aggregates: { n: { count: rows } }\n").replace("name: w", "name: alerts"),
    /is the name of another table/,
  ],
  "a name twice": [
    minute("    aggregates: { n: { count: rows } }\n") + minute("    aggregates: { n: { count: rows } }\n"),
    /line 7: .*w is there twice/,
  ],
  "an entry that nothing reads": [
    minute("    aggregates: { n: { count: rows } }\n    retain: 1 d\n"),
    /line 2: .*retain/,
  ],
  "no YAML": [minute("    aggregates: [}\n"), /line 6: /],
};

for (const [name, [text, message]] of Object.entries(WINDOW_REFUSALS)) {
  Deno.test(`windows.yaml is refused for ${name}`, () => assert.match(windows(text), message));
}

const RULE_REFUSALS: Record<string, [text: string, message: RegExp]> = {
  "a kind of rule that is not there": [
    "  - { name: r, kind: guess, severity: low }",
    /line 2: .*kind/,
  ],
  "quiet hours that never end": [
    `  - { name: r, kind: quiet_hours, severity: low, from: "01:00", to: "01:00" }`,
    /to is the same as from/,
  ],
  "a time zone that is not there": [
    `  - { name: r, kind: quiet_hours, severity: low, from: "01:00", to: "02:00", time_zone: Mars }`,
    /time_zone is no time zone/,
  ],
  "limits without a default": [
    "  - { name: r, kind: threshold, severity: low, limit: { EUR: 5 } }",
    /limit lacks a default/,
  ],
  "more values than events": [
    "  - { name: r, kind: distinct, severity: low, field: merchant_id, count: 9, among: 8 }",
    /count is more than among/,
  ],
  "a step on an unknown field": [
    "  - name: r\n    kind: sequence\n    severity: low\n    within: 5 min\n    steps:\n      - { status: failed }\n" +
    "      - { state: completed }\n",
    /line 8: .*steps\.1\.state is no column/,
  ],
  "a travel of what has no place": [
    "  - { name: r, kind: impossible_travel, severity: low, over: clickstream }",
    /has no lat and lon/,
  ],
  "a key that is spread over partitions": [
    "  - { name: r, kind: velocity, severity: low, count: 2, window: 60, key: [merchant_id] }",
    /key must hold the partition field of the kind, user_id/,
  ],
  "a key that not every event is placed by": [
    "  - { name: r, kind: velocity, severity: low, count: 2, window: 60, over: api_call, key: [ip] }",
    /key must hold the partition field of the kind, user_id/,
  ],
  "a kind whose events nothing keeps together": [
    "  - { name: r, kind: velocity, severity: low, count: 2, window: 60, over: note }",
    /over note has no partition field/,
  ],
  "a limit on what is no number": [
    "  - { name: r, kind: threshold, severity: low, limit: 5, field: merchant_id }",
    /field merchant_id is no number/,
  ],
  "a limit in a currency that is not there": [
    "  - { name: r, kind: threshold, severity: low, limit: { default: 5, EURO: 6 } }",
    /EURO is no currency/,
  ],
  "statistics that nobody keeps": [
    "  - { name: r, kind: z_score, severity: low, limit: 3, key: [user_id, merchant_id] }",
    /key of a z_score is user_id/,
  ],
  "an unknown severity": ["  - { name: r, kind: threshold, severity: huge, limit: 5 }", /severity/],
  "a name twice": [
    "  - { name: r, kind: threshold, severity: low, limit: 5 }\n".repeat(2),
    /line 3: .*r is there twice/,
  ],
};

for (const [name, [text, message]] of Object.entries(RULE_REFUSALS)) {
  Deno.test(`rules.yaml is refused for ${name}`, () => assert.match(rules(text), message));
}

Deno.test("a rule over calls may name the key that it has by default", () => {
  const file = (key: string) =>
    `rules:\n  - { name: r, kind: velocity, severity: low, count: 2, window: 60, over: api_call${key} }\n`;
  for (const key of ["", ", key: [user_id]", ", key: [ip, user_id]"]) {
    assert.equal(readRuleFile(file(key), KINDS).definitions.length, 1);
  }
});

Deno.test("every fault of a file is named at once", () => {
  const message = rules(
    "  - { name: a, kind: threshold, severity: low, limit: 0 }\n  - { name: b, kind: velocity, severity: low, count: 1 }\n",
  );
  assert.match(message, /line 2: /);
  assert.match(message, /line 3: .*line 3: /);
});

Deno.test("no file, and an empty one, mean none", () => {
  for (const text of [null, "", " \n", "# nothing\n"]) {
    assert.deepEqual(readRuleFile(text, KINDS).definitions, []);
    assert.deepEqual(readWindowFile(text, KINDS).definitions, []);
  }
  assert.deepEqual(readRuleFile("rules: []", KINDS).definitions, []);
});

Deno.test("a definition's version follows its own text, not its place or the order of its keys", () => {
  const one =
    readRuleFile("rules: [{ name: r, kind: threshold, severity: low, limit: 5 }]", KINDS).definitions[0];
  const same =
    readRuleFile("rules:\n- limit: 5\n  severity: low\n  name: r\n  kind: threshold", KINDS).definitions[0];
  const other =
    readRuleFile("rules: [{ name: r, kind: threshold, severity: low, limit: 6 }]", KINDS).definitions[0];
  assert.equal(one.version, same.version);
  assert.notEqual(one.version, other.version);
  assert.equal(new Set(WINDOWS.definitions.map(({ version }) => version)).size, WINDOWS.definitions.length);
  assert.match(SHIPPED_RULES.version, /^[0-9a-f]{32}$/);
});

Deno.test("a window has no name that a model or another window's table has", async () => {
  const refused = (name: string) => windows(minute("").replace("name: w", `name: ${name}`) + COUNTED);
  for await (const { name } of Deno.readDir("models")) {
    if (name.endsWith(".sql")) assert.match(refused(name.slice(0, -4)), /is the name of another table/, name);
  }
  assert.match(refused("quality_results"), /is the name of another table/);
  assert.match(refused("user_minute_revisions"), /ends with _revisions/);
});

Deno.test("a syntax error of YAML is told by its line alone", () => {
  assert.throws(
    () => readRuleFile("rules:\n  - {", KINDS),
    (error) =>
      error instanceof Fault && /line 2/.test(error.message) &&
      error.fields.every(({ field }) => field === ""),
  );
});
