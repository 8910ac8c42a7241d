import { deepStrictEqual } from "node:assert/strict";
import { relationsNamed } from "../../lib/query/relations.ts";
import { tokensOf } from "../../lib/query/sql_text.ts";

const KNOWN = [
  { name: "analytics.user_minute", sql: "SELECT * FROM analytics.user_minute_revisions QUALIFY true" },
  { name: "analytics.user_minute_revisions" },
  {
    name: "processed.payments",
    sql: "FROM processed.transactions t JOIN processed.transaction_statuses USING (id)",
  },
  { name: "processed.transactions" },
  { name: "processed.transaction_statuses" },
  { name: "analytics.alerts" },
  { name: "raw.events" },
  { name: "raw.alerts" },
];

const named = (sql: string) => relationsNamed(tokensOf(sql), KNOWN).map(({ name }) => name);

Deno.test("relationsNamed finds names in every spelling", () => {
  deepStrictEqual(named("SELECT * FROM processed.transactions"), ["processed.transactions"]);
  deepStrictEqual(named('select 1 from PROCESSED."Transactions" , raw . events'), [
    "processed.transactions",
    "raw.events",
  ]);
  deepStrictEqual(named("FROM transactions"), ["processed.transactions"]);
  deepStrictEqual(named("SUMMARIZE 'transactions'"), ["processed.transactions"]);
  deepStrictEqual(named("PIVOT transactions ON country"), ["processed.transactions"]);
});

Deno.test("relationsNamed takes every stage that an unqualified name may mean", () => {
  deepStrictEqual(named("FROM alerts"), ["analytics.alerts", "raw.alerts"]);
  deepStrictEqual(named("FROM raw.alerts"), ["raw.alerts"]);
});

Deno.test("relationsNamed leaves out columns, comments and other words", () => {
  deepStrictEqual(named("SELECT t.alerts, 'my transactions' -- transactions\n/* events */ FROM nothing"), []);
});

Deno.test("relationsNamed puts a view after what it stands on", () => {
  deepStrictEqual(named("FROM user_minute, payments, transactions"), [
    "analytics.user_minute_revisions",
    "analytics.user_minute",
    "processed.transactions",
    "processed.transaction_statuses",
    "processed.payments",
  ]);
});

Deno.test("relationsNamed gives all to who asks what there is", () => {
  for (
    const sql of [
      "SHOW TABLES",
      "show all tables;",
      "DESCRIBE",
      "FROM (SHOW)",
      "FROM information_schema.tables",
    ]
  ) {
    deepStrictEqual(new Set(named(sql)), new Set(KNOWN.map(({ name }) => name)), sql);
  }
  deepStrictEqual(named("DESCRIBE alerts").length, 2);
  deepStrictEqual(named("FROM raw.alerts ORDER BY 1 DESC"), ["raw.alerts"]);
  deepStrictEqual(named("SELECT max(a) OVER (ORDER BY b DESC) FROM raw.alerts"), ["raw.alerts"]);
});

Deno.test("relationsNamed takes a view's columns for columns", () => {
  const views = [
    { name: "raw.a", sql: "SELECT 1 AS b" },
    { name: "raw.b", sql: "SELECT a FROM raw.a" },
    { name: "raw.c", sql: "SELECT c FROM b" },
  ];
  deepStrictEqual(relationsNamed(tokensOf("FROM a"), views).map(({ name }) => name), ["raw.a"]);
  deepStrictEqual(relationsNamed(tokensOf("FROM c"), views).map(({ name }) => name), [
    "raw.a",
    "raw.b",
    "raw.c",
  ]);
});
