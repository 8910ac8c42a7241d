import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { ModelError, orderModels, parseCheck, parseModel } from "../../lib/lake/model_file.ts";
import {
  affectedRanges,
  checkSql,
  fullSql,
  rangeSql,
  refreshSql,
  testSql,
} from "../../lib/lake/model_sql.ts";

const TEXT = `-- name: daily
-- doc: One sentence.
-- grain: user_id, day
-- incremental: day
-- spread: 2 days
-- test: unique user_id, day
-- test: accepted user_id in a, it's
-- test: relation user_id -> processed.transactions.user_id

-- A remark about $from.
SELECT user_id, CAST(event_time AS DATE) AS day, '$to' AS text
FROM processed.transactions JOIN raw.events USING (event_id)
WHERE event_time >= $from AND event_time < $to;
`;

const MODEL = parseModel("models/daily.sql", TEXT);

Deno.test("parseModel takes the header apart", () => {
  const { sql, ...rest } = MODEL;
  deepStrictEqual(rest, {
    name: "daily",
    table: "analytics.daily",
    doc: "One sentence.",
    grain: ["user_id", "day"],
    incremental: "day",
    spread_days: 2,
    tests: [
      { kind: "unique", columns: ["user_id", "day"] },
      { kind: "accepted", column: "user_id", values: ["a", "it's"] },
      { kind: "relation", column: "user_id", table: "processed.transactions", target: "user_id" },
    ],
    reads: ["processed.transactions", "raw.events"],
  });
  strictEqual(sql.startsWith("-- A remark") && sql.endsWith("$to"), true);
});

Deno.test("parseModel refuses what is not in the form, naming file and key", () => {
  const faults: [string, string, RegExp][] = [
    ["-- name: daily\n", "", /name.* exactly once/],
    ["-- name: daily\n", "-- name: daily\n-- name: daily\n", /name.* exactly once/],
    ["-- name: daily\n", "-- name: other\n", /must be the file's name/],
    ["-- grain: user_id, day", "-- grain: user_id, DAY;", /grain: "DAY;"/],
    ["-- incremental: day", "-- incremental: month", /month is not in the grain/],
    ["-- incremental: day\n", "", /\$from, \$to/],
    ["-- spread: 2 days", "-- spread: two", /<n> days/],
    ["-- test: unique user_id, day", "-- test: sorted day", /sorted day/],
    ["-- doc: One sentence.", "-- doc: One sentence.\n-- owner: me", /owner: is not one of/],
    ["-- doc: One sentence.", "-- doc: One sentence.\n-- just words", /no "-- key: value"; .*-- grain:/],
  ];
  for (const [from, to, message] of faults) {
    throws(
      () => parseModel("models/daily.sql", TEXT.replace(from, to)),
      (error: Error) =>
        error instanceof ModelError && message.test(error.message) && /daily\.sql/.test(error.message),
      to,
    );
  }
});

Deno.test("parseCheck wants a name and a severity", () => {
  const check = parseCheck(
    "checks/fresh.sql",
    "-- check: fresh\n-- doc: D.\n-- severity: high\n\nSELECT $now FROM raw.events",
  );
  deepStrictEqual([check.name, check.severity, check.reads], ["fresh", "high", ["raw.events"]]);
  strictEqual(
    checkSql(check.sql, "2026-01-31T09:30:00.123Z"),
    "SELECT TIMESTAMP '2026-01-31 09:30:00.123' FROM raw.events",
  );
  throws(
    () => parseCheck("checks/fresh.sql", "-- check: fresh\n-- doc: D.\n-- severity: huge\n\nSELECT 1"),
    ModelError,
  );
});

Deno.test("orderModels puts each model after what it reads, and refuses circles", () => {
  const model = (name: string, ...reads: string[]) =>
    parseModel(
      `${name}.sql`,
      `-- name: ${name}\n-- doc: D.\n-- grain: x\n\nSELECT 1 AS x FROM ${reads.join(", ") || "range(1)"}`,
    );
  const [a, b, c] = [model("a", "analytics.c", "raw.events"), model("b"), model("c", "analytics.b")];
  deepStrictEqual(orderModels([a, b, c]).map(({ name }) => name), ["b", "c", "a"]);
  throws(() => orderModels([a, model("c", "analytics.a")]), /a > c > a/);
  throws(() => orderModels([a, a]), /same name/);
});

Deno.test("a range is bound where $from and $to stand, not in strings and comments", () => {
  const sql = rangeSql(MODEL, { from: "2026-01-31", to: "2026-02-02" });
  strictEqual(sql.includes("-- A remark about $from.") && sql.includes("'$to' AS text"), true);
  strictEqual(
    sql.endsWith("event_time >= TIMESTAMP '2026-01-31' AND event_time < TIMESTAMP '2026-02-02'"),
    true,
  );
  strictEqual(fullSql(MODEL).includes("TIMESTAMP '1970-01-01'"), true);
});

Deno.test("affectedRanges widens by the spread and joins what touches", () => {
  deepStrictEqual(affectedRanges(MODEL, ["2026-02-27", "2026-03-02", "2024-02-28"]), [
    { from: "2024-02-28", to: "2024-03-02" },
    { from: "2026-02-27", to: "2026-03-05" },
  ]);
  deepStrictEqual(affectedRanges(MODEL, []), []);
  deepStrictEqual(affectedRanges(MODEL, ["9999-12-31"]).at(-1), { from: "9999-12-31", to: "10000-01-03" });
});

Deno.test("refreshSql keeps what lies outside of the ranges", () => {
  strictEqual(refreshSql(MODEL, [], "previous"), "SELECT * FROM previous WHERE true");
  const sql = refreshSql(MODEL, [{ from: "2026-01-31", to: "2026-02-01" }], "previous");
  strictEqual(
    sql.startsWith(
      "SELECT * FROM previous WHERE NOT (\"day\" >= TIMESTAMP '2026-01-31' AND \"day\" < TIMESTAMP '2026-02-01')",
    ),
    true,
  );
  throws(() => refreshSql({ ...MODEL, incremental: null }, [], "previous"), TypeError);
});

Deno.test("testSql counts what breaks each test", () => {
  deepStrictEqual(testSql(MODEL).map(({ name }) => name), [
    "unique user_id, day",
    "accepted user_id in a, it's",
    "relation user_id -> processed.transactions.user_id",
  ]);
});
