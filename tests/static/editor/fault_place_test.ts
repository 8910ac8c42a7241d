import assert from "node:assert/strict";
import { placeAt, placeOfFault, sentenceOf } from "../../../static/editor/fault_place.ts";

const at = (message: string, sql: string, start = 0) => {
  const { from, to } = placeOfFault(message, sql, start);
  return sql.slice(from - start, to - start);
};

Deno.test("`placeOfFault` finds the word under the caret", () => {
  const sql = "select user_id,\n  nope\nfrom t";
  assert.equal(at("Binder Error: x\n\nLINE 2:   nope\n          ^", sql, 40), "nope");
  assert.equal(
    at('Parser Error: y\n\nLINE 1: select "a b" from\n               ^', 'select "a b" from'),
    '"a b"',
  );
});

Deno.test("`placeOfFault` finds it in a line that the engine cut at both ends", () => {
  const sql = `select ${"aaa, ".repeat(30)}nope, ${"bbb, ".repeat(30)}1`;
  const excerpt = sql.slice(sql.indexOf("nope") - 20, sql.indexOf("nope") + 30);
  const caret = " ".repeat("LINE 1: ...".length + 20) + "^";
  assert.equal(at(`Binder Error: z\n\nLINE 1: ...${excerpt}...\n${caret}`, sql), "nope");
});

Deno.test("`placeOfFault` counts what the caret counts: columns, of which a wide character takes two", () => {
  for (const [text, columns] of [["𝒳é", 2], ["星星", 4], ["👩‍👩‍👧", 2], ["e\u0301", 1]] as const) {
    const sql = `select '${text}' as a, nope`;
    const caret = " ".repeat("LINE 1: ".length + "select '' as a, ".length + columns);
    assert.equal(at(`Binder Error: x\n\nLINE 1: ${sql}\n${caret}^`, sql), "nope");
  }
});

Deno.test("`placeAt` finds the word at a line and column", () => {
  const sql = "select '𝒳',\n  nope\nfrom t";
  const word = (line: number, column: number) => {
    const { from, to } = placeAt(sql, line, column);
    return sql.slice(from, to);
  };
  assert.deepEqual([word(2, 3), word(1, 8), word(3, 7), word(9, 1)], ["nope", "'𝒳'", "t", sql]);
});

Deno.test("`placeOfFault` is the whole statement when no place is said, and its end when the end is at fault", () => {
  assert.equal(at("Conversion Error: x", "select 1"), "select 1");
  assert.equal(at("LINE 9: nope\n        ^", "select 1"), "select 1");
  assert.equal(
    at("Parser Error: syntax error at end of input\n\nLINE 1: select\n              ^", "select"),
    "t",
  );
});

Deno.test("`sentenceOf` leaves the excerpt to the editor", () => {
  assert.equal(
    sentenceOf("Binder Error: no such column\n\nLINE 2:   nope\n          ^"),
    "Binder Error: no such column",
  );
});
