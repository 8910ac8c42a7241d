import assert from "node:assert/strict";
import fc from "fast-check";
import { formatSql } from "../../../static/sql/format.ts";
import { tokensOf } from "../../../static/sql/lexer.ts";
import { NameIndex, tablesIn } from "../../../static/sql/names.ts";
import { scopeOf } from "../../../static/sql/scope.ts";
import { isRead, statementAt, statementsOf } from "../../../static/sql/statements.ts";

const texts = (sql: string) => statementsOf(sql).map((one) => one.text);

Deno.test("`statementsOf` splits at semicolons that are code", () => {
  assert.deepEqual(texts("select 'a;b' ; select 2 -- x;\n; select $$;$$;;"), [
    "select 'a;b'",
    "select 2",
    "select $$;$$",
  ]);
  assert.deepEqual(texts(`select ";" as "a""b;c" /* ; /* ; */ ; */ ; select E'\\';' `), [
    `select ";" as "a""b;c"`,
    `select E'\\';'`,
  ]);
  assert.deepEqual(texts("-- only a comment\n;"), []);
  assert.deepEqual(texts("select 'open; select 1"), ["select 'open; select 1"]);
});

Deno.test("`statementAt` finds the statement of the cursor", () => {
  const sql = "select 1;\n\nselect 2;\n";
  assert.equal(statementAt(sql, 0)?.text, "select 1");
  assert.equal(statementAt(sql, 9)?.text, "select 1");
  assert.equal(statementAt(sql, 12)?.text, "select 2");
  assert.equal(statementAt(sql, sql.length)?.text, "select 2");
  assert.equal(statementAt("  ", 1), null);
});

Deno.test("`tokensOf` covers every character that is no space, in order", () => {
  const piece = fc.constantFrom(
    "select",
    "'",
    "''",
    '"',
    "--",
    "\n",
    "/*",
    "*/",
    "$$",
    "$a$",
    ";",
    ":x",
    "::",
    "a.b",
    "(",
    "[",
    " ",
    "é",
    "1e5",
    "E'\\",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    const sql = pieces.join("");
    let at = 0;
    for (const token of tokensOf(sql)) {
      assert.equal(sql.slice(at, token.from).trim(), "");
      assert.ok(token.to > token.from);
      at = token.to;
    }
    assert.equal(sql.slice(at).trim(), "");
  }));
});

Deno.test("`tokensOf` tells parameters from casts, slices and structs", () => {
  const parameters = (sql: string) =>
    tokensOf(sql).filter((one) => one.kind === "parameter").map((one) => one.text);
  assert.deepEqual(parameters("select x::int, :day, y[1:n], {'a':b} where a=:user_id"), ["day", "user_id"]);
});

Deno.test("`tokensOf` tells parameters from what is behind a name: an alias, a lambda", () => {
  const tokens = tokensOf('select total:amount, "é b":x, lambda é:x+1');
  assert.deepEqual(tokens.filter((one) => one.kind === "parameter"), []);
});

Deno.test("`isRead` knows what gives rows by its first word", () => {
  const reads = (sql: string) => isRead(statementsOf(sql)[0]);
  for (
    const sql of ["FROM t", "(select 1)", "PRAGMA table_info('t')", "call duckdb_settings()", "execute p(1)"]
  ) {
    assert.ok(reads(sql), sql);
  }
  for (const sql of ["create table t as select 1", "set x = 1"]) assert.ok(!reads(sql), sql);
});

Deno.test("`tablesIn` finds every known table, qualified or by the order of stages", () => {
  const index = new NameIndex([
    "raw.events",
    "processed.events",
    "analytics.alerts",
    "processed.late_events",
  ]);
  assert.deepEqual(tablesIn("select * from events e join RAW.Events using (x)", index), [
    "processed.events",
    "raw.events",
  ]);
  assert.deepEqual(tablesIn(`select 'alerts' from "analytics"."alerts" -- late_events`, index), [
    "analytics.alerts",
  ]);
  assert.deepEqual(tablesIn("select alerts(1)", index), []);
  assert.equal(tablesIn("show tables", index).length, 4);
});

Deno.test("`scopeOf` knows the columns of a query that stands for a table", () => {
  const scope = scopeOf(
    "select q. from (select a, sum(b) as total from t group by a) q join (select * from u) as r",
  );
  assert.deepEqual(scope.ctes.map(({ name, columns }) => [name, columns]), [["q", ["a", "total"]], [
    "r",
    [],
  ]]);
  assert.deepEqual(scope.ctes[1].starred.map(({ name }) => name), ["u"]);
  assert.deepEqual(scopeOf("select a from t where a in (select b from u)").ctes, []);
});

Deno.test("`scopeOf` knows aliases and the columns of CTEs", () => {
  const scope = scopeOf(
    "with a as (select user_id, sum(x) as total, count(*) n from t), b(k) as (select 1), c as (select * from t2) " +
      "select  from a, b bb join processed.transactions as tx on a.user_id = tx.user_id where ",
  );
  assert.deepEqual(scope.ctes.map((one) => [one.name, one.columns]), [["a", ["user_id", "total", "n"]], [
    "b",
    ["k"],
  ], ["c", []]]);
  assert.deepEqual(scope.ctes[2].starred, [{ name: "t2", alias: null }]);
  assert.ok(scope.relations.some((one) => one.name === "processed.transactions" && one.alias === "tx"));
  assert.ok(scope.relations.some((one) => one.name === "b" && one.alias === "bb"));
});

Deno.test("`formatSql` changes white space and the case of keywords only", () => {
  const bare = (sql: string) =>
    tokensOf(sql).map((one) => one.kind === "word" ? one.text.toLowerCase() : `${one.kind} ${one.text}`);
  const sql =
    "select a,b as \"Select\", count(*) filter(where x>=-1) n from t left join u using(id) where a='from  x' and b between 1 and 2 or c in(select 1) group by all order by 1 desc limit 5; with q as (select 1) select * from q";
  const formatted = formatSql(sql);
  assert.deepEqual(bare(formatted), bare(sql));
  assert.equal(formatSql(formatted), formatted);
  assert.match(formatted, /^SELECT a,\n {2}b AS "Select",\n {2}count\(\*\)/);
  assert.match(
    formatted,
    /\nLEFT JOIN u USING \(id\)\nWHERE a = 'from {2}x'\n {2}AND b BETWEEN 1 AND 2\n {2}OR c IN \(\n {2}SELECT 1\n\)\nGROUP BY ALL\nORDER BY 1 DESC\nLIMIT 5;/,
  );
});

Deno.test("`formatSql` keeps a list and a struct on their line", () => {
  const sql = "SELECT {'a': 1, 'b': [1, 2]},\n  c\nFROM t\n";
  assert.equal(formatSql(sql), sql);
});

Deno.test("`formatSql` never loses a token", () => {
  const piece = fc.constantFrom(
    "select",
    "from",
    "a",
    ",",
    "(",
    ")",
    "'t  x'",
    "and",
    "between",
    "--c\n",
    "/*d*/",
    "->>",
    "1",
    ";",
    "::",
    "int",
    "join",
    "\n",
    " ",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
    const sql = pieces.join(" ");
    const bare = (text: string) => tokensOf(text).map((one) => one.text.toLowerCase().trim());
    assert.deepEqual(bare(formatSql(sql)), bare(sql));
  }));
});
