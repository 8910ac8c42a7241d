import assert from "node:assert/strict";
import fc from "fast-check";
import { chartData, guess } from "../../../static/editor/chart_choice.ts";
import { jsonOf } from "../../../static/engine/values.ts";
import { freeName, tableNameOf } from "../../../static/editor/dropped_file.ts";
import { matching } from "../../../static/editor/palette.ts";
import { packQuery, unpackQuery } from "../../../static/editor/share.ts";
import { bindParameters, literalOf, parametersIn } from "../../../static/sql/parameters.ts";
import { tokensOf } from "../../../static/sql/lexer.ts";

Deno.test("`bindParameters` puts values in place and finds the way back", () => {
  const sql = "select :a, x::int, ':a' -- :a\nfrom t where u = :user_id";
  assert.deepEqual(parametersIn(sql), ["a", "user_id"]);
  const bound = bindParameters(sql, { a: "it's", user_id: "42" });
  assert.equal(bound.sql, "select 'it''s', x::int, ':a' -- :a\nfrom t where u = 42");
  assert.equal(sql.slice(bound.toSource(bound.sql.indexOf("from"))).slice(0, 4), "from");
  assert.equal(bound.toSource(bound.sql.indexOf("'it''s'")), sql.indexOf(":a"));
});

Deno.test("`literalOf` is one token whatever is entered", () => {
  assert.equal(literalOf(""), "NULL");
  assert.equal(literalOf("-1.50"), "-1.50");
  assert.equal(literalOf("'42'"), "'42'");
  assert.deepEqual(["0", "0.5", "-0.5", "0042", "-07"].map(literalOf), [
    "0",
    "0.5",
    "-0.5",
    "'0042'",
    "'-07'",
  ]);
  fc.assert(fc.property(fc.string(), (value) => {
    const tokens = tokensOf(literalOf(value)).filter((token) => token.text !== "-");
    assert.equal(tokens.length, 1);
    assert.ok(["string", "number", "word"].includes(tokens[0].kind));
  }));
});

Deno.test("`unpackQuery` gives back what was packed, and null for anything else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), async (sql) => {
      assert.equal(await unpackQuery(await packQuery(sql) ?? ""), sql);
    }),
    { numRuns: 25 },
  );
  const long = Array.from({ length: 20_000 }, (_, at) => Math.sin(at).toString(36).slice(3)).join(" ");
  assert.equal(await packQuery(long), null, "no link that could not be opened");
  assert.equal(await unpackQuery("%%%"), null);
  assert.equal(await unpackQuery("AAAA_cut"), null);
});

Deno.test("`jsonOf` keeps 64-bit numbers exact", () => {
  assert.equal(jsonOf(9007199254740993n), "9007199254740993");
  assert.equal(jsonOf(12n), 12);
  assert.deepEqual(jsonOf({ entries: [["a", [1n, null]], ["b", "x"]] }), { a: [1, null], b: "x" });
  assert.deepEqual(jsonOf([NaN, -Infinity, 0.5]), ["NaN", "-Infinity", 0.5]);
});

Deno.test("`tableNameOf` makes a plain name of any file's", () => {
  assert.equal(tableNameOf("My Orders (2026).csv"), "my_orders_2026");
  assert.equal(tableNameOf("2026.parquet"), "file_2026");
  assert.equal(tableNameOf("星.csv"), "file_1");
});

Deno.test("`matching` finds commands by their letters in order, whole words first", () => {
  const commands = ["Run all statements", "Query raw.events", "Format"].map((title) => ({
    title,
    run: () => {},
  }));
  assert.deepEqual(matching(commands, "raw").map((one) => one.title), ["Query raw.events"]);
  assert.equal(matching(commands, "qre")[0].title, "Query raw.events");
  assert.equal(matching(commands, "").length, 3);
  assert.deepEqual(matching(commands, "zzz"), []);
});

Deno.test("`guess` puts time along, numbers up, and a line for each text", () => {
  const rows = (...kinds: ("time" | "number" | "text")[]) => ({
    columns: kinds.map((kind, at) => ({ name: `c${at}`, type: kind === "time" ? "TIMESTAMP" : "X", kind })),
    rowCount: 0,
    truncated: false,
    cell: () => null,
    text: () => null,
  });
  assert.deepEqual(guess(rows("time", "text", "number")), { kind: "line", x: 0, y: [2], by: 1 });
  assert.deepEqual(guess(rows("text", "number", "number")), { kind: "bar", x: 0, y: [1, 2], by: -1 });
  assert.deepEqual(guess(rows("number", "number")), { kind: "scatter", x: 0, y: [1], by: -1 });
  assert.equal(guess(rows("text")), null);
});

Deno.test("`chartData` says which lines it leaves out", () => {
  const drawn = (currencies: number) => {
    const cells = Array.from({ length: currencies }, (_, at) => ["2026-01-31", `C${at}`, String(at)]);
    const kinds = ["time", "text", "number"] as const;
    const rows = {
      columns: kinds.map((kind) => ({ name: kind, type: kind === "time" ? "DATE" : "X", kind })),
      rowCount: cells.length,
      truncated: false,
      cell: (row: number, column: number) => cells[row][column],
      text: (row: number, column: number) => cells[row][column],
    };
    const data = chartData(rows, null, { kind: "line", x: 0, y: [2], by: 1 });
    assert.equal(data.series.length, Math.min(8, currencies));
    return data.summary;
  };
  assert.equal(drawn(8), "number along 1 value of time: from 0 to 7.");
  assert.match(drawn(9), /Only the 8 largest of 9 lines are drawn: C0 is left out\.$/);
  assert.match(drawn(10), /Only the 8 largest of 10 lines are drawn: C0, C1 are left out\.$/);
  assert.match(
    drawn(20),
    /Only the 8 largest of 20 lines are drawn: C0, C1, C2, C3, C4 and 7 more are left out\.$/,
  );
});

/** Rows of texts in columns of these kinds. */
function rowsOf(kinds: readonly ("time" | "text" | "number")[], cells: readonly (readonly string[])[]) {
  return {
    columns: kinds.map((kind) => ({ name: kind, type: kind === "time" ? "DATE" : "X", kind })),
    rowCount: cells.length,
    truncated: false,
    cell: (row: number, column: number) => cells[row][column],
    text: (row: number, column: number) => cells[row][column],
  };
}

Deno.test("`chartData` says how many values are covered by later ones", () => {
  const rows = rowsOf(["text", "number"], [["EUR", "1"], ["USD", "2"], ["EUR", "3"]]);
  const { series, summary } = chartData(rows, null, { kind: "bar", x: 0, y: [1], by: -1 });
  assert.deepEqual(series[0].values, [3, 2]);
  assert.match(summary, /1 value is not drawn: a later row has the same text\.$/);
});

Deno.test("`chartData` gives each row its own dot, in order along", () => {
  const rows = rowsOf(["number", "number"], [["5", "1"], ["2", "2"], ["5", "3"]]);
  const { x, series, summary } = chartData(rows, null, { kind: "scatter", x: 0, y: [1], by: -1 });
  assert.deepEqual([x.values, series[0].values], [[2, 5, 5], [2, 1, 3]]);
  assert.doesNotMatch(summary, /not drawn/);
});

Deno.test("`chartData` says small numbers as they are", () => {
  const rows = rowsOf(["time", "number"], [["2026-01-31", "0.00012345"], ["2026-02-01", "0"]]);
  const { summary } = chartData(rows, null, { kind: "line", x: 0, y: [1], by: -1 });
  assert.match(summary, /from 0 to 0\.000123\.$/);
});

Deno.test("`freeName` gives another file's table another name, and the same file its own", () => {
  assert.equal(freeName("данные.csv", new Map()), "file_1");
  assert.equal(freeName("отчёт.csv", new Map([["file_1", "данные.csv"]])), "file_1_2");
  assert.equal(freeName("a b.csv", new Map([["a_b", "a-b.csv"], ["a_b_2", "x"]])), "a_b_3");
  assert.equal(freeName("a.csv", new Map([["a", "a.csv"]])), "a");
  assert.equal(freeName("transactions.csv", new Map([["transactions", ""]])), "transactions_2");
});
