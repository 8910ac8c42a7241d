import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { createRedactor } from "../../lib/source/redact.ts";

const KEY = "a key of sixteen letters";
const encode = (text: string) => new TextEncoder().encode(text);

function redact(paths: readonly string[], text: string, key = KEY): string {
  return new TextDecoder().decode(createRedactor(paths, key)(encode(text)).value);
}

/** Tokens replaced by `#`, so that what surrounds them can be read. */
function masked(paths: readonly string[], text: string): string {
  return redact(paths, text).replaceAll(/"redacted:[0-9a-f]{32}"/g, "#");
}

Deno.test("createRedactor replaces the values at its paths and keeps every other byte", () => {
  const text = ' {"a" : {"b":"secret" ,"c":[1, 2]},\n"b":"x","n":9007199254740993} ';
  strictEqual(masked(["a.b"], text), text.replace('"secret"', "#"));
  strictEqual(masked(["a"], text), ' {"a" : #,\n"b":"x","n":9007199254740993} ');
  strictEqual(masked(["a.c.1"], text), text.replace("[1, 2]", "[1, #]"));
  strictEqual(
    masked(["a.c.*", "n"], text),
    text.replace("[1, 2]", "[#, #]").replace("9007199254740993", "#"),
  );
  strictEqual(masked(["*.b"], text), text.replace('"secret"', "#"));
  strictEqual(masked(["x.y", "b.c", "a.b.c"], text), text);
});

Deno.test("createRedactor sees through escapes, duplicates and brackets in strings", () => {
  strictEqual(
    masked(["key"], '{"k\\u0065y":"a","key":"b","x":"]}\\"{"}'),
    '{"k\\u0065y":#,"key":#,"x":"]}\\"{"}',
  );
  strictEqual(masked(["__proto__"], '{"__proto__":1}'), '{"__proto__":#}');
  strictEqual(masked(["a"], '{"a":null,"b":{"a":1}}'), '{"a":null,"b":{"a":1}}');
  strictEqual(masked(["*"], "[]"), "[]");
  strictEqual(masked(["*"], '[true,"x",{}]'), "[#,#,#]");
});

Deno.test("createRedactor gives equal values equal tokens, under one key", () => {
  const token = (text: string, key = KEY) => JSON.parse(redact(["a"], text, key)).a;
  strictEqual(token('{"a":"é"}'), token('{ "a" : "\\u00e9" }'));
  strictEqual(token('{"a":"x"}') === token('{"a":"y"}'), false);
  strictEqual(token('{"a":"x"}') === token('{"a":"x"}', "another key of letters"), false);
});

Deno.test("createRedactor hashes the bytes as received under its key, and keeps nothing of what is no JSON", () => {
  const redactor = createRedactor(["a"], KEY);
  const spaced = redactor(encode('{"a": 1}'));
  strictEqual(spaced.sha256 === redactor(encode('{"a":1}')).sha256, false);
  strictEqual(spaced.sha256, redactor(encode('{"a": 1}')).sha256);
  strictEqual(spaced.sha256 === createRedactor(["a"], KEY + "2")(encode('{"a": 1}')).sha256, false);
  for (const text of ["no JSON", "", "[".repeat(65) + "]".repeat(65), '{"a":"\\ud800"}']) {
    strictEqual(redactor(encode(text)).value.length, 0);
  }
});

Deno.test("createRedactor leaves JSON that holds no redacted value, and equals the original elsewhere", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("a", "b", "c"), fc.jsonValue({ maxDepth: 3 })), (body) => {
      const after = JSON.parse(redact(["a", "b.a", "c.*"], JSON.stringify(body, null, 1)));
      const { a, b, c } = body as Record<string, unknown>;
      if (a !== undefined) ok(a === null ? after.a === null : String(after.a).startsWith("redacted:"));
      if (b !== undefined && !(typeof b === "object" && b !== null && "a" in b)) {
        deepStrictEqual(after.b, JSON.parse(JSON.stringify(b)));
      }
      if (typeof c === "string") strictEqual(after.c, c);
      if (Array.isArray(c)) {
        c.forEach((one, at) =>
          ok(one === null ? after.c[at] === null : String(after.c[at]).startsWith("redacted:"))
        );
      }
    }),
  );
});
