/** Columns that were added to a kind's table, as rules and windows may name them: by their types, or where nobody knows them. */
import assert from "node:assert/strict";
import { type AddedColumns, addedColumns, type ColumnChange } from "../../lib/event/column_change.ts";
import { Fault } from "../../lib/errors.ts";
import { parseRules, readRuleFile } from "../../lib/stream/rule_definition.ts";
import { parseWindows } from "../../lib/stream/window_definition.ts";
import { windowColumns } from "../../lib/stream/window_table.ts";
import { KINDS, newPipeline, rulesRecord, settingsRecord, step } from "./stream_case.ts";
import { PartitionState } from "../../lib/checkpoint/state.ts";

const CHANGES: readonly ColumnChange[] = [
  ...[
    ["tier", "string"],
    ["visits", "int"],
    ["points", "decimal(12, 3)"],
    ["fine", "decimal(12, 6)"],
    ["vast", "decimal(30, 2)"],
    ["score", "double"],
    ["vip", "boolean"],
    ["since", "timestamp"],
  ].map(([name, type]): ColumnChange => ({ change: "add", column: { name, type } })),
  { change: "rename", name: "payment_method", to: "paid_with" },
  { change: "drop", name: "ip" },
];
const TRANSACTION = KINDS.get("transaction")!;

function kindsWith(added: AddedColumns) {
  return new Map(
    [...KINDS].map(([name, kind]) => [name, name === "transaction" ? { ...kind, added } : kind]),
  );
}

const ADDED = kindsWith(addedColumns(TRANSACTION, CHANGES));
const ANY = kindsWith("any");

const rule = (more: Record<string, unknown>) => ({ name: "r", severity: "low", ...more });
const window = (more: Record<string, unknown>) => ({
  name: "w",
  over: "transaction",
  kind: "tumbling",
  size: "60 s",
  key: ["user_id"],
  aggregates: { n: { count: "rows" } },
  ...more,
});
const velocity = { kind: "velocity", count: 2, window: "60 s" };

const GOOD_RULES = [
  {
    ...velocity,
    where: { tier: "gold", vip: true, any: [{ points: { above: 5 } }, { since: { present: true } }] },
  },
  { ...velocity, key: ["user_id", "tier"] },
  { ...velocity, where: { paid_with: "card", payment_method: "card", ip: "::1" } },
  ...["points", "visits", "score", "fine", "vast"].map((field) => ({ kind: "threshold", limit: 5, field })),
  ...["tier", "visits", "vip", "since", "points"].map((field) => ({
    kind: "distinct",
    field,
    count: 2,
    among: 3,
  })),
  { kind: "sequence", within: "1 min", steps: [{ tier: "gold" }, { tier: "tin" }], without: { vip: false } },
];
const BAD_RULES: [Record<string, unknown>, RegExp][] = [
  [{ ...velocity, where: { teir: "gold" } }, /teir is no column|is no column/],
  [{ kind: "threshold", limit: 5, field: "tier" }, /tier is no number/],
  [{ kind: "threshold", limit: 5, field: "vip" }, /vip is no number/],
  [{ kind: "threshold", limit: 5, field: "since" }, /since is no number/],
  [{ kind: "distinct", field: "teir", count: 2, among: 3 }, /teir is no column/],
];
const GOOD_WINDOWS = [
  ...["sum", "avg", "min", "max"].flatMap((name) =>
    ["points", "visits", "score"].map((field) => ({ aggregates: { n: { [name]: field } } }))
  ),
  ...["distinct", "top"].flatMap((name) =>
    ["tier", "visits", "vip"].map((field) => ({ aggregates: { n: { [name]: field } } }))
  ),
  ...["since", "fine", "vast"].map((field) => ({
    aggregates: { n: { count: field, where: { tier: "gold" } } },
  })),
  { key: ["user_id", "tier", "visits", "vip"], where: { tier: ["gold", "tin"] } },
];
const BAD_WINDOWS: [Record<string, unknown>, RegExp][] = [
  [{ where: { teir: "gold" } }, /is no column/],
  [{ aggregates: { n: { sum: "tier" } } }, /tier is no number/],
  [{ aggregates: { n: { max: "since" } } }, /since is no number/],
  [{ aggregates: { n: { sum: "fine" } } }, /fine has more than the 19 digits and 4 decimals/],
  [{ aggregates: { n: { avg: "vast" } } }, /vast has more than/],
  [{ aggregates: { n: { top: "since" } } }, /since is neither text/],
  [{ aggregates: { n: { distinct: "points" } } }, /points is neither text/],
  [{ key: ["user_id", "score"] }, /score is neither text/],
];

const messages = ({ issues }: { issues: readonly { message: string }[] }) =>
  issues.map(({ message }) => message);

Deno.test("rules may name added columns whose types they can use, and no others", () => {
  for (const more of GOOD_RULES) {
    assert.deepEqual(messages(parseRules([rule(more)], ADDED)), [], JSON.stringify(more));
    assert.deepEqual(messages(parseRules([rule(more)], ANY)), [], JSON.stringify(more));
  }
  for (const [more, reason] of BAD_RULES) {
    assert.match(messages(parseRules([rule(more)], ADDED)).join(), reason, JSON.stringify(more));
    assert.deepEqual(messages(parseRules([rule(more)], ANY)), [], JSON.stringify(more));
  }
  // The kind as it is declared has none of them.
  assert.equal(
    parseRules(GOOD_RULES.map((more, i) => rule({ ...more, name: `r${i}` })), KINDS).definitions.length,
    0,
  );
});

Deno.test("windows may name added columns whose types they can use, and no others", () => {
  for (const more of GOOD_WINDOWS) {
    assert.deepEqual(messages(parseWindows([window(more)], ADDED)), [], JSON.stringify(more));
    assert.deepEqual(messages(parseWindows([window(more)], ANY)), [], JSON.stringify(more));
  }
  for (const [more, reason] of BAD_WINDOWS) {
    assert.match(messages(parseWindows([window(more)], ADDED)).join(), reason, JSON.stringify(more));
    assert.deepEqual(messages(parseWindows([window(more)], ANY)), [], JSON.stringify(more));
  }
});

Deno.test("a refused name of an added column is told with its line", () => {
  assert.throws(
    () =>
      readRuleFile(
        "rules:\n  - name: r\n    kind: threshold\n    severity: low\n    limit: 5\n    field: tier\n",
        ADDED,
      ),
    (error) => error instanceof Fault && /line 6: .*tier is no number/.test(error.message),
  );
});

Deno.test("what every table has, what no column can be called and what every object has are never added columns", () => {
  for (
    const name of ["event_time", "log_offset", "extra", "two words", "9lives", "constructor", "__proto__"]
  ) {
    const distinct = rule({ kind: "distinct", field: name, count: 2, among: 3 });
    assert.match(messages(parseRules([distinct], ANY)).join(), /is no column/, name);
  }
});

Deno.test("a key of an added whole number is a long, which a widened one fits into", () => {
  const [definition] = parseWindows([window({ key: ["user_id", "tier", "visits"] })], ADDED).definitions;
  const types = windowColumns(definition, ADDED.get("transaction")!).map(({ name, type }) => [name, type]);
  assert.deepEqual(types.slice(1, 4), [["user_id", "string"], ["tier", "string"], ["visits", "long"]]);
});

Deno.test("a partition takes rules and windows over before it knows their columns, and bears values of any type", () => {
  const pipeline = newPipeline(new PartitionState());
  const aggregates = {
    sum: { sum: "x" },
    low: { min: "x" },
    mean: { avg: "x" },
    values: { distinct: "x" },
    top: { top: "x" },
    there: { count: "x" },
  };
  const rules = [
    rule({ name: "limit", kind: "threshold", limit: 5, field: "x", cool_down: "1 s" }),
    rule({ name: "many", kind: "distinct", count: 4, among: 9, field: "x", cool_down: "1 s" }),
  ];
  const controls = [settingsRecord([window({ aggregates })]), rulesRecord({ version: "v", rules })];
  controls.forEach((record, i) => assert.equal(step(pipeline, record, i).refused, null));
  const values = [
    undefined,
    "gold",
    "",
    "-",
    "2026-01-05T08:00:00.000",
    true,
    6.5,
    "12.5000",
    "123456789012345678.25",
    null,
  ];
  const alerts = values.flatMap((x, i) => {
    const row = { user_id: "u", amount: "1.0000", currency: "EUR", ...(x === undefined ? {} : { x }) };
    const { accepted, outputs } = step(pipeline, { event: { at_ms: i * 2_000, row } }, i + 2);
    assert.deepEqual(accepted?.failures, []);
    return outputs.map(({ row }) => `${row.rule} ${row.event_id}`);
  });
  assert.deepEqual(alerts, [
    "many e6",
    "many e7",
    "limit e8",
    "many e8",
    "limit e9",
    "many e9",
    "limit e10",
    "many e10",
  ]);
  const [{ row }] = pipeline.advance(2_000_000_000_000);
  const { sum, low, values: different, there } = row;
  assert.deepEqual([sum, low, different, there], ["123456789012345697.2500", "6.5000", 8, 8]);
});
