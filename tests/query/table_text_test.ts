import { strictEqual } from "node:assert/strict";
import type { QueryResult } from "../../lib/query/engine.ts";
import { resultText } from "../../lib/query/table_text.ts";

const RESULT: QueryResult = {
  columns: [{ name: "user", type: "VARCHAR" }, { name: "total", type: "DECIMAL(18,4)" }],
  rows: [["ada", 12.5], ["日本", "-12345678901234.5678"], [null, null]],
  truncated: true,
  elapsed_ms: 1,
};

Deno.test("resultText aligns texts left and numbers right", () => {
  strictEqual(
    resultText(RESULT, "table"),
    [
      "user                 total",
      "────  ────────────────────",
      "ada                   12.5",
      "日本  -12345678901234.5678",
      "∅                        ∅",
      "(the first 3 rows; there are more)",
      "",
    ].join("\n"),
  );
});

Deno.test("resultText cuts to the width of the terminal", () => {
  const wide = { ...RESULT, columns: [RESULT.columns[0]], rows: [["x".repeat(100)]], truncated: false };
  strictEqual(
    resultText(wide, "table", { width: 20 }),
    `user\n${"─".repeat(20)}\n${"x".repeat(19)}…\n(1 row)\n`,
  );
});

Deno.test("resultText lets no value move the cursor or turn the line", () => {
  const evil = { ...RESULT, rows: [["\u001b[2J\u202eabc\r\n\u0000", 1]], columns: [...RESULT.columns] };
  const text = resultText(evil, "table");
  strictEqual(text.includes("\\u{1b}[2J\\u{202e}abc\\u{d}\\n\\u{0}"), true);
});

Deno.test("resultText speaks JSON and CSV for programs", () => {
  strictEqual(
    resultText({ ...RESULT, rows: [["=x", 1]] }, "json"),
    '[\n  {"user":"=x","total":1}\n]\n',
  );
  strictEqual(resultText({ ...RESULT, rows: [] }, "json"), "[]\n");
  strictEqual(resultText({ ...RESULT, rows: [["=x", -1]] }, "csv"), "user,total\n'=x,-1\n");
});

Deno.test("resultText aligns more rows than a call can have arguments", () => {
  const rows = Array.from({ length: 200_000 }, (_, at) => [at]);
  const columns = [{ name: "n", type: "BIGINT" }];
  const text = resultText({ columns, rows, truncated: false, elapsed_ms: 1 }, "table");
  strictEqual(text.endsWith("\n199998\n199999\n(200000 rows)\n"), true);
});
