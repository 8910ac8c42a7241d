import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ExactNumber } from "../../lib/event/exact_json.ts";
import { decodeJson, parseJson } from "../../lib/event/json_text.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function reasonOf(text: string): string {
  const decoded = parseJson(text);
  return decoded.ok ? "fine" : decoded.reason;
}

function nested(levels: number, open = "[", close = "]", inner = ""): string {
  return open.repeat(levels) + inner + close.repeat(levels);
}

Deno.test("decodeJson refuses what is not UTF-8, a byte order mark and half a surrogate", () => {
  const bad = [
    [0xff],
    [0x22, 0xc3, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
    [],
  ];
  for (const bytes of bad) {
    const decoded = decodeJson(new Uint8Array(bytes));
    strictEqual(decoded.ok ? "fine" : decoded.reason, "undecodable", String(bytes));
  }
  // The mark of a broken character, when a sender means it.
  strictEqual(reasonOf('"\ufffd"'), "fine");
  deepStrictEqual(decodeJson(encode('["\ufffd"]')), { ok: true, value: ["\ufffd"], text: '["\ufffd"]' });
  for (const text of ["", " ", "{", "{'a':1}", "NaN", "01", "[1,]", '"\t"', "{}{}", "\ufeff{}", "\u00a0{}"]) {
    strictEqual(reasonOf(text), "undecodable", text);
  }
});

Deno.test("parseJson finds a lone surrogate behind any escape", () => {
  const lone = [
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\ud800\\udc00"',
    '"\\ud800x\\udc00"',
    '"\\ud800\\n\\udc00"',
  ];
  lone.push(
    '"\\udc00\\ud800"',
    '"\\uD83D"',
    '{"\\udfff":1}',
    '"\\\\\\ud800"',
    '"\\ud83d😀"',
    '["\\ud800","\\udc00"]',
  );
  for (const text of lone) strictEqual(reasonOf(text), "undecodable", text);
  const whole = [
    '"\\ud83d\\ude00"',
    '"\\\\ud800"',
    '"\\uD83D\\uDE00\\ud83d\\ude00"',
    '"\\\\\\\\ud800"',
    '"😀"',
    '"\\u0041"',
  ];
  for (const text of whole) strictEqual(reasonOf(text), "fine", text);
});

Deno.test("parseJson takes 64 levels and no more, and no stack for 100,000", () => {
  strictEqual(reasonOf(nested(64)), "fine");
  strictEqual(reasonOf(nested(65)), "too_deep");
  strictEqual(reasonOf(nested(64, '{"a":', "}", "1")), "fine");
  strictEqual(reasonOf(nested(65, '{"a":', "}", "1")), "too_deep");
  strictEqual(reasonOf(nested(100_000)), "too_deep");
  for (
    const no_json of [
      `\ufeff${nested(65)}`,
      `${nested(65)},`,
      `{"a":${nested(65)},}`,
      `{"a":"\\ud800","b":${nested(65)}}`,
    ]
  ) {
    strictEqual(reasonOf(no_json), "undecodable", no_json);
  }
  strictEqual(reasonOf("[".repeat(100_000)), "undecodable");
  strictEqual(reasonOf(nested(100_000, "[", "}")), "undecodable");
  // Brackets inside strings are no levels.
  strictEqual(reasonOf(JSON.stringify({ a: '\\"' + "[".repeat(100), b: ["{"] })), "fine");
});

Deno.test("parseJson keeps __proto__, constructor and toString as data", () => {
  for (
    const text of ['{"__proto__":{"x":1},"constructor":1,"":2}', '{"__proto__":{"x":1},"n":9007199254740993}']
  ) {
    const decoded = parseJson(text);
    if (!decoded.ok) throw new Error(decoded.reason);
    strictEqual(JSON.stringify(decoded.value), text);
    strictEqual(({} as Record<string, unknown>).x, undefined);
  }
});

Deno.test("parseJson keeps the text of numbers that a double changes", () => {
  for (
    const text of [
      "9007199254740993",
      "1e400",
      "-1e400",
      "0.1234567890123456789",
      "1.00000000000000001",
      "1e-400",
    ]
  ) {
    const decoded = parseJson(`{"a":[${text}],"b":${text}}`);
    if (!decoded.ok) throw new Error(decoded.reason);
    strictEqual(JSON.stringify(decoded.value), `{"a":[${text}],"b":${text}}`);
    const alone = parseJson(text);
    strictEqual(alone.ok && alone.value instanceof ExactNumber && alone.value.text, text);
  }
  deepStrictEqual(parseJson("[9007199254740992,123456789012345,1.5,1e22]"), {
    ok: true,
    value: [9007199254740992, 123456789012345, 1.5, 1e22],
    text: "[9007199254740992,123456789012345,1.5,1e22]",
  });
});

Deno.test("parseJson lets the last of duplicate keys win, with long numbers too", () => {
  for (const text of ['{"a":1,"a":2}', '{"a":9007199254740993,"a":2}']) {
    const decoded = parseJson(text);
    deepStrictEqual(decoded.ok && decoded.value, { a: 2 });
  }
});

Deno.test("parseJson gives what JSON.parse gives, beside a long number too", () => {
  const long = "9007199254740993";
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, " ", "\t"), (json, indent) => {
    const text = JSON.stringify(JSON.parse(json), null, indent);
    const plain = parseJson(text);
    if (!plain.ok) throw new Error(`${plain.reason}: ${text}`);
    strictEqual(JSON.stringify(plain.value), JSON.stringify(JSON.parse(text)));
    const beside = parseJson(`[${long}, ${text} ]`);
    if (!beside.ok) throw new Error(`${beside.reason}: ${text}`);
    strictEqual(JSON.stringify(beside.value), `[${long},${JSON.stringify(JSON.parse(text))}]`);
  }));
});

Deno.test("decodeJson never throws and agrees with JSON.parse on what is JSON", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ud80cDe-.E+019tfnulars \n') }), (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      const decoded = decodeJson(encode(text));
      if (decoded.ok) strictEqual(valid, true);
      else if (valid) strictEqual(/\\u[dD]/.test(text), true, text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("parseJson finds a long number wherever it stands", () => {
  for (let pad = 0; pad < 40; pad++) {
    for (const number of ["9007199254740993", "-1e-400", "1.00000000000000001", "0.12345678901234567"]) {
      const text = `{"${"x".repeat(pad)}":${number}}`;
      const decoded = parseJson(text);
      strictEqual(decoded.ok && JSON.stringify(decoded.value), text);
    }
  }
});
