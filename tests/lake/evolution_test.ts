/** Columns that change while events come in: old and new rows, wherever a process dies and whatever is written again. */
import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import type { ColumnChange } from "../../lib/event/column_change.ts";
import { currentSchema } from "../../lib/iceberg/metadata.ts";
import { withChange } from "../../lib/lake/change_plan.ts";
import { evolutionOf, evolveTable, withChanges } from "../../lib/lake/evolution.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { controlRecord } from "../../lib/partition/control_record.ts";
import { parseRules } from "../../lib/stream/rule_definition.ts";
import { parseWindows } from "../../lib/stream/window_definition.ts";
import { configuration, SmallLake, withWriter } from "./small_lake.ts";

const TABLE = "processed.transactions";
const CHANGES: ColumnChange[] = [
  { change: "add", column: { name: "tier", type: "int" } },
  { change: "rename", name: "payment_method", to: "paid_with" },
  { change: "widen", name: "tier", type: "long" },
  { change: "drop", name: "device_id" },
];

/** Appends one more event than `records`, with all the fields that change. */
async function appendOne(lake: SmallLake): Promise<void> {
  await lake.append(1, { tier: lake.records, payment_method: "card", device_id: "d", more: 1 });
}

async function tell(lake: SmallLake, changes: readonly ColumnChange[]): Promise<void> {
  const body = { kind: "transaction", changes };
  await lake.appendRecord(controlRecord("schema", 0, { body, received_at: lake.clock.time }));
}

async function evolve(lake: SmallLake, changes: readonly ColumnChange[]): Promise<void> {
  const context = { catalog: lake.catalog(), store: lake.store, now: () => lake.clock.time };
  await evolveTable(context, TABLE, changes);
}

/** An event, and then with each change one more: five rows, six records of events and four of changes. */
async function changing(lake: SmallLake, between: () => Promise<void> = () => Promise.resolve()) {
  await appendOne(lake);
  for (let count = 1; count <= CHANGES.length; count++) {
    await between();
    await evolve(lake, CHANGES.slice(0, count));
    await between();
    await tell(lake, CHANGES.slice(0, count));
    await between();
    await appendOne(lake);
  }
}

const ROWS = `SELECT log_offset, schema_version, tier, paid_with, extra FROM $ ORDER BY log_offset`;
const EXPECTED = [
  ["0", 0, null, "card", `{"tier":0,"more":1}`],
  ["2", 1, "2", "card", `{"more":1}`],
  ["4", 2, "4", "card", `{"more":1}`],
  ["6", 3, "6", "card", `{"more":1}`],
  ["8", 4, "8", "card", `{"more":1}`],
];

async function rows(lake: SmallLake): Promise<unknown[][]> {
  return await lake.rows(TABLE, (table) => ROWS.replace("$", table));
}

Deno.test("rows of five versions of a table in one segment are read as the table is now, before and after compaction", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await changing(lake);
    await lake.process({ at_once: 100 });
    await lake.publish();
    deepStrictEqual(await rows(lake), EXPECTED);
    await lake.compact();
    deepStrictEqual(await rows(lake), EXPECTED);
    deepStrictEqual(await lake.problems(), []);
    const { metadata } = (await lake.catalog().load(parseTableKey(TABLE)))!;
    const names = currentSchema(metadata).fields.map((field) => field.name);
    deepStrictEqual(names.includes("device_id") || names.includes("payment_method"), false);
  }));

Deno.test("a change between any two steps of process and publish gives the same rows", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    // One checkpoint a record, each restored from the one before, some published late.
    let turn = 0;
    await changing(lake, async () => {
      await lake.process({ at_once: 1 });
      if (turn++ % 3 === 0) await lake.publish();
    });
    await lake.process({ at_once: 1 });
    await lake.publish();
    deepStrictEqual(await rows(lake), EXPECTED);
    await lake.compact();
    deepStrictEqual(await rows(lake), EXPECTED);
    deepStrictEqual(await lake.problems(), []);
  }));

Deno.test("a log whose lake was lost makes the changes again", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await changing(lake);
    await Deno.remove(`${lake.folder}/lake`, { recursive: true });
    await using again = await lake.copy();
    await again.process();
    await again.publish();
    deepStrictEqual(await rows(again), EXPECTED);
  }));

Deno.test("told twice, told late, told what does not go on: what is in force stays", () =>
  withWriter(async (writer) => {
    await using lake = await SmallLake.open(writer);
    await evolve(lake, CHANGES);
    await evolve(lake, CHANGES);
    await tell(lake, CHANGES);
    await tell(lake, CHANGES.slice(0, 1));
    await tell(lake, [{ change: "drop", name: "note" }]);
    await tell(lake, CHANGES);
    await appendOne(lake);
    await lake.process();
    await lake.publish();
    deepStrictEqual((await rows(lake)).map((row) => row.slice(1, 3)), [[4, "4"]]);
    // A start makes the columns that a table lacks, but none that was taken from it.
    await using started = await lake.copy();
    const { metadata } = (await started.catalog().load(parseTableKey(TABLE)))!;
    deepStrictEqual(evolutionOf(metadata), CHANGES);
    const names = currentSchema(metadata).fields.map((field) => field.name);
    deepStrictEqual(names.filter((name) => name === "payment_method" || name === "device_id"), []);
    await rejects(evolve(lake, [{ change: "drop", name: "ip" }]), { code: "schema_parted" });
    throws(() => withChanges(metadata, [...CHANGES, { change: "drop", name: "nothing" }], 0), {
      code: "schema_refused",
    });
  }));

Deno.test("`withChange` refuses a column that rules or windows name, as they are and under the kind's own name", () => {
  const kind = { ...configuration.kinds.get("transaction")!, added: "any" as const };
  const kinds = new Map([["transaction", kind]]);
  const [tier, points, card, count] = ["tier", "points", "card", "count"].map((name): ColumnChange => ({
    change: "add",
    column: { name, type: "long" },
  }));
  const changes: ColumnChange[] = [tier, points, card, count, {
    change: "rename",
    name: "payment_method",
    to: "paid_with",
  }];
  const rule = (name: string, more: object) => ({
    name,
    kind: "threshold",
    severity: "low",
    limit: 5,
    ...more,
  });
  const window = (name: string, more: object) => ({
    name,
    over: "transaction",
    kind: "tumbling",
    size: "60 s",
    key: ["user_id"],
    aggregates: { n: { count: "rows" } },
    ...more,
  });
  const cases: [column: string, rules: object[], windows: object[], who: RegExp][] = [
    ["tier", [rule("a", { where: { any: [{ tier: 5 }] } })], [], /the rule a$/],
    ["tier", [rule("b", { field: "tier" })], [], /the rule b$/],
    ["tier", [rule("c", { key: ["user_id", "tier"] })], [], /the rule c$/],
    ["card", [rule("j", { where: { card: 1 } })], [], /the rule j$/],
    [
      "tier",
      [rule("k", { kind: "distinct", limit: undefined, count: 2, among: 3, field: "tier" })],
      [],
      /the rule k$/,
    ],
    ["lat", [rule("n", { kind: "impossible_travel", limit: undefined })], [], /the rule n$/],
    ["tier", [], [window("l", { where: { any: [{ tier: { present: true } }] } })], /the window l$/],
    [
      "tier",
      [rule("m", { kind: "sequence", limit: undefined, within: 60, steps: [{}, {}], without: { tier: 1 } })],
      [],
      /rule m$/,
    ],
    [
      "tier",
      [rule("d", { kind: "sequence", limit: undefined, within: 60, steps: [{ tier: 1 }, { tier: 2 }] })],
      [],
      /rule d$/,
    ],
    ["tier", [], [window("e", { key: ["user_id", "tier"] })], /the window e$/],
    ["tier", [], [window("f", { aggregates: { n: { sum: "tier" } } })], /the window f$/],
    [
      "tier",
      [],
      [window("g", { aggregates: { n: { count: "rows", where: { tier: 1 } } } })],
      /the window g$/,
    ],
    ["paid_with", [rule("h", { where: { paid_with: "card" } })], [], /the rule h$/],
    ["paid_with", [rule("i", { where: { payment_method: "card" } })], [], /the rule i$/],
  ];
  for (const [name, ruleList, windowList, who] of cases) {
    const { definitions: rules, issues } = parseRules(JSON.parse(JSON.stringify(ruleList)), kinds);
    const { definitions: windows } = parseWindows(windowList, kinds);
    deepStrictEqual([issues, rules.length + windows.length], [[], 1]);
    const users = { rules, windows, sql: [] };
    for (const change of [{ change: "drop", name }, { change: "rename", name, to: "level" }] as const) {
      throws(() => withChange(kind, changes, change, users), { code: "change_refused", message: who });
    }
    // What nobody names may go.
    for (const free of ["points", "count", "card"].filter((one) => one !== name)) {
      strictEqual(withChange(kind, changes, { change: "drop", name: free }, users).length, 6);
    }
  }
  throws(() =>
    withChange(kind, [], { change: "add", column: { name: "constructor", type: "long" } }, {
      rules: [],
      windows: [],
      sql: [],
    }), { message: /a name has letters/ });
});

Deno.test("`withChange` refuses what somebody leans on, and says who", () => {
  const kind = configuration.kinds.get("transaction")!;
  const users = {
    rules: [],
    windows: [],
    sql: [{ what: "the model m", sql: "SELECT Country FROM processed.transactions" }],
  };
  const cases: [ColumnChange, RegExp][] = [
    [{ change: "drop", name: "user_id" }, /the key of its events/],
    [{ change: "drop", name: "z_score" }, /the stream/],
    [{ change: "rename", name: "country", to: "land" }, /the model m/],
    [{ change: "drop", name: "late" }, /every kind/],
    [{ change: "widen", name: "log_partition", type: "long" }, /every kind/],
    [{ change: "widen", name: "amount", type: "decimal(18, 4)" }, /has that type already/],
    [{ change: "rename", name: "ip", to: "country" }, /has a field/],
    [{ change: "rename", name: "ip", to: "a b" }, /a name has/],
    [{ change: "add", column: { name: "timestamp", type: "long" } }, /event_time/],
    [{ change: "add", column: { name: "account_id", type: "string" } }, /another name/],
    [{ change: "add", column: { name: "payment_method", type: "string" } }, /goes into the column paid_with/],
  ];
  for (const [change, reason] of cases) {
    throws(() => withChange(kind, CHANGES, change, users), { code: "change_refused", message: reason });
  }
  const again: ColumnChange = { change: "add", column: { name: "device_id", type: "string" } };
  deepStrictEqual(withChange(kind, CHANGES, again, users), [...CHANGES, again]);
  throws(
    () => withChange(kind, CHANGES, { change: "add", column: { name: "device_id", type: "long" } }, users),
    { message: /has it as string/ },
  );
});
