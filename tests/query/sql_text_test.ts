import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { offsetOfByte, placeOf, tokensOf } from "../../lib/query/sql_text.ts";

const shown = (sql: string) => tokensOf(sql).map((token) => `${token.kind} ${token.text}`);

Deno.test("tokensOf sees where strings, names and comments end", () => {
  deepStrictEqual(shown(`a "b""c" 'd''e' e'f\\'g' $$h;i$$ $x$j$$k$x$ -- l'm\n/* n /* o */ p */ q1.2 3.4e5`), [
    ...["word a", 'quoted_name b"c', "string d'e", "escaped_string f'g", "string h;i", "string j$$k"],
    ...["word q1", "symbol .", "number 2", "number 3.4e5"],
  ]);
});

Deno.test("tokensOf reads pairs and escapes at their very edges", () => {
  deepStrictEqual(shown(String.raw`'' '''' E'\\''' e'\'' """" 'a''`), [
    ...[
      "string ",
      "string '",
      String.raw`escaped_string \'`,
      "escaped_string '",
      'quoted_name "',
      "string a'",
    ],
  ]);
  deepStrictEqual(shown("a--\n-1 /*/*/**/*/*/ / * 0x1f 1_0e-2"), [
    ...["word a", "symbol -", "number 1", "symbol /", "symbol *", "number 0x1f", "number 1_0e-2"],
  ]);
});

Deno.test("tokensOf lets what is never closed run to the end", () => {
  for (const sql of ["'a;", '"a;', "$$a;", "/* a;", "e'a\\", "/* /* */ ;"]) {
    strictEqual(tokensOf(sql).some((token) => token.kind === "symbol"), false, sql);
  }
});

Deno.test("tokensOf covers any text in order, without overlap", () => {
  const piece = fc.constantFrom(
    "'",
    '"',
    "$$",
    "$a$",
    "--",
    "\n",
    "/*",
    "*/",
    ";",
    "a",
    "1",
    " ",
    "e'",
    "\\",
    "é",
    "😀",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    const sql = pieces.join("");
    let at = 0;
    for (const token of tokensOf(sql)) {
      strictEqual(token.start >= at && token.end > token.start && token.end <= sql.length, true);
      at = token.end;
    }
  }));
});

Deno.test("placeOf counts lines of every convention", () => {
  deepStrictEqual(placeOf("ab\r\ncd\ne\rf", 9), { line: 4, column: 1 });
  deepStrictEqual(placeOf("ab", 0), { line: 1, column: 1 });
  deepStrictEqual(placeOf("ab", 99), { line: 1, column: 3 });
});

Deno.test("offsetOfByte agrees with the encoder", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (before, after) => {
    const bytes = new TextEncoder().encode(before).length;
    strictEqual(offsetOfByte(before + after, bytes), before.length);
  }));
});
