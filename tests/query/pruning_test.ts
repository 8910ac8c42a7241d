import assert from "node:assert/strict";
import fc from "fast-check";
import { conditionsOf, mayHold } from "../../lib/query/pruning.ts";
import { tokensOf } from "../../lib/query/sql_text.ts";

const NOW = new Date("2026-03-01T10:00:00Z");
const conditions = (where: string) => conditionsOf(tokensOf(`select * from t where ${where}`), NOW);

Deno.test("`conditionsOf` reads what stands between ANDs", () => {
  assert.deepEqual(conditions("a >= 5 and b = 'x''y' and t.c < -1.5 group by all"), [
    { column: "a", comparison: ">=", value: 5 },
    { column: "b", comparison: "=", value: "x'y" },
    { column: "c", comparison: "<", value: -1.5 },
  ]);
  assert.deepEqual(
    conditions("day between date '2026-01-01' and '2026-01-02 10:00'::timestamp and x is not null"),
    [
      { column: "day", comparison: ">=", value: "2026-01-01" },
      { column: "day", comparison: "<=", value: "2026-01-02 10:00" },
    ],
  );
  assert.deepEqual(conditions("event_time > now() - interval 2 hours"), [
    { column: "event_time", comparison: ">", value: "2026-03-01T08:00:00.000Z" },
  ]);
  assert.deepEqual(conditions("event_time >= current_date - INTERVAL '1 day'").map((one) => one.value), [
    "2026-02-28T00:00:00.000Z",
  ]);
});

Deno.test("`conditionsOf` stays away from what it cannot judge", () => {
  const nothing = [
    "select * from t where a = 1 or b = 2",
    "select * from t join u using (id) where a = 1",
    "select * from t, u where a = 1",
    "select * from t where a = (select 1)",
    "with q as (select 1) select * from t where a = 1",
    "select * from t where not a = 1",
    "select * from t where a != 1 and b <> 2",
    "select * from t where a + 1 = 2",
    "select * from t where a = b",
    "select * from t where lower(a) = 'x'",
    "select * from t where (a = 1 or b = 2)",
    "select * from t where a not between 1 and 2",
    "select * from t where a > 1 + 1",
    "select count(*) from t",
    "select * from t tablesample 10% where a = 1",
    "select * from range(5) where a = 1",
    "select * from (from t) where a = 1",
    "select extract(year from b) from t where a = 1",
    "select a from t where a = 1 union from u",
    "from t select a where a = 1",
    "select * from t where b < now()",
    "select * from t where b::date::text = '2026-01-01'",
    "select * from t where date_trunc('month', b) = '2026-01-01'",
    "select * from t where case when true and a > 1 and true then true else true end",
    "select * from t where a = e'\\x61'",
  ];
  for (const sql of nothing) assert.deepEqual(conditionsOf(tokensOf(sql), NOW), [], sql);
});

Deno.test("`conditionsOf` knows a name's every spelling, and the day of a column", () => {
  const first = (sql: string) => conditionsOf(tokensOf(sql), NOW)[0];
  for (const from of ["processed.t", "t as x", "t x", '"T"', 'processed . "t" AS "x"']) {
    assert.deepEqual(first(`SELECT b FROM ${from} WHERE a = 1;`), { column: "a", comparison: "=", value: 1 });
  }
  const day = { column: "at", comparison: "=", value: "2026-01-02", of_day: true };
  for (
    const  of of[
      "at::DATE", "t.at :: date", "CAST(at AS DATE)", "date_trunc('day', at)", "DATE_TRUNC('DAY', t.at)"
    ]
  ) {
    assert.deepEqual(first(`select * from t where ${of} = '2026-01-02'`), day, of);
  }
});

const TYPES = new Map<string, unknown>([["a", "double"], ["at", "timestamp"], ["word", "string"], [
  "price",
  "decimal(18, 4)",
], ["day", "date"]]);

Deno.test("`mayHold` never excludes a file that holds a matching row", () => {
  const value = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double({ min: -50, max: 50, noNaN: true }));
  const comparison = fc.constantFrom("<", "<=", "=", ">=", ">");
  fc.assert(fc.property(fc.array(value, { minLength: 1 }), value, comparison, (rows, wanted, sign) => {
    const holds = (row: number) =>
      ({
        "<": row < wanted,
        "<=": row <= wanted,
        "=": row === wanted,
        ">=": row >= wanted,
        ">": row > wanted,
      })[sign];
    const file = { min: { a: Math.min(...rows) }, max: { a: Math.max(...rows) } };
    const literal = String(wanted).includes("e") ? "0" : String(wanted);
    const may = mayHold(
      file,
      conditionsOf(tokensOf(`select * from t where a ${sign} ${literal}`), NOW),
      TYPES,
    );
    if (literal === String(wanted) && rows.some(holds)) assert.ok(may);
  }));
});

Deno.test("`mayHold` excludes by bounds in any of their forms", () => {
  const file = { min: { at: "2026-03-01T08:00:00Z" }, max: { at: "2026-03-01 09:00:00.5" } };
  const may = (where: string, bounds: object = file) => mayHold(bounds, conditions(where), TYPES);
  assert.equal(may("at >= timestamp '2026-03-01 09:00:00.6'"), false);
  assert.equal(may("AT >= timestamp '2026-03-01 09:00:00.5'"), true);
  assert.equal(may("at < '2026-03-01'"), false);
  assert.equal(may("at > now() - interval 30 minutes"), false);
  assert.equal(may("at::date = '2026-02-28'"), false);
  assert.equal(may("at::date = '2026-03-01'"), true);
  assert.equal(may("at::date >= date '2026-03-02'"), false);
  assert.equal(may("cast(at as date) <= '2026-02-28'"), false);
  assert.equal(may("date_trunc('day', at) <= timestamp '2026-03-01 00:00:00'"), true);
  assert.equal(
    may("day < '2026-03-01 12:00'", { min: { day: "2026-03-02" }, max: { day: "2026-03-02" } }),
    false,
  );
  assert.equal(
    may("day > '2026-03-01 12:00'", { min: { day: "2026-02-28" }, max: { day: "2026-02-28" } }),
    false,
  );
  assert.equal(may("word = 'a'", { min: { word: "b" }, max: { word: "c" } }), false);
  assert.equal(may("price > 100", { min: { price: "-5.0000" }, max: { price: "99.9900" } }), false);
});

Deno.test("`mayHold` keeps what it cannot judge", () => {
  const may = (where: string, bounds: object) => mayHold(bounds, conditions(where), TYPES);
  assert.equal(may("at < '2026-03-01'", {}), true);
  // What is compared with a day is read as a day, whatever time stands behind it.
  const early = { min: { at: "2026-03-01T03:00:00Z", day: "2026-03-01" } };
  const morning = { min: early.min, max: early.min };
  for (const text of ["date '2026-03-01 12:00'", "'2026-03-01 12:00'::date", "DATE '2026-03-01T12:00:00'"]) {
    assert.equal(may(`at >= ${text}`, morning), true, text);
  }
  for (const subject of ["at::date", "cast(at as date)", "day"]) {
    for (const sign of [">=", "="]) {
      assert.equal(may(`${subject} ${sign} '2026-03-01 12:00:00'`, morning), true, `${subject} ${sign}`);
    }
  }
  assert.equal(may("a = 3", { min: { a: null }, max: {} }), true);
  // A text beside a number is cast by the engine: their texts must not be compared.
  assert.equal(may("price >= '30'", { min: { price: "1" }, max: { price: "250" } }), true);
  assert.equal(may("word = 5", { min: { word: "10" }, max: { word: "20" } }), true);
  assert.equal(may("word > '\u{1F600}'", { min: { word: "a" }, max: { word: "\uFF5E" } }), true);
  // NaN is above every bound, for the engine too.
  assert.equal(may("a > 5", { min: { a: 1 }, max: { a: 2 } }), true);
  assert.equal(may("unknown = 5", { min: { unknown: 10 }, max: { unknown: 20 } }), true);
});
