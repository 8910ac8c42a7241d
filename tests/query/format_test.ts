import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import type { Fault } from "../../lib/errors.ts";
import type { QueryResult } from "../../lib/query/engine.ts";
import { csvText, distinctNames, formatResult, QUERY_FORMATS } from "../../lib/query/format.ts";

const result = (columns: [string, string][], ...rows: unknown[][]): QueryResult => ({
  columns: columns.map(([name, type]) => ({ name, type })),
  rows,
  truncated: false,
  elapsed_ms: 1,
});

Deno.test("csvText neutralises formulas in texts and leaves numbers alone", () => {
  const texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\0=x", "x=1", "'x", ""];
  const table = result([["=name", "VARCHAR"]], ...texts.map((text) => [text]));
  const neutral = ["'=name", "'=1+1", "'+1", "'-1", "'@x", "'\tx", '"\'\rx"', "'\0=x", "x=1", "'x", '""'];
  strictEqual(csvText(table), neutral.map((line) => `${line}\r\n`).join(""));
  const types = ["BIGINT", "DECIMAL(18,4)", "DOUBLE", "HUGEINT", "TINYINT"];
  const numbers = result(
    types.map((type) => [type, type] as [string, string]),
    [-1, "-12345678901234.5678", -0.5, "-9007199254740993", -3],
  );
  strictEqual(csvText(numbers).split("\r\n")[1], "-1,-12345678901234.5678,-0.5,-9007199254740993,-3");
});

Deno.test("csvText leaves negative intervals alone, and the numbers of a union", () => {
  const table = result([["i", "INTERVAL"], ["u", 'UNION("n" INTEGER, "t" VARCHAR)']], ["-00:00:01", -5], [
    "",
    "-x",
  ]);
  strictEqual(csvText(table).split("\r\n").slice(1).join("|"), `-00:00:01,-5|"",'-x|`);
});

Deno.test("csvText quotes what would break a line, and tells null from empty", () => {
  const columns: [string, string][] = [["a", "VARCHAR"], ["b,c", "VARCHAR"], ["d", "INTEGER[]"], [
    "e",
    "STRUCT(x INT)",
  ]];
  strictEqual(
    csvText(result(columns, ['say "x"', "1,2\n3", [1, 2], { x: 1 }], [null, "", null, null])),
    'a,"b,c",d,e\r\n"say ""x""","1,2\n3","[1,2]","{""x"":1}"\r\n,"",,\r\n',
  );
});

Deno.test("no text cell of csvText begins like a formula", () => {
  const text = fc.string({
    unit: fc.constantFrom("=", "+", "-", "@", "\t", "\r", "\n", "\0", '"', ",", "'", "a", " "),
  });
  fc.assert(fc.property(text, (cell) => {
    const line = csvText(result([["a", "VARCHAR"], ["b", "VARCHAR"]], ["x", cell])).slice(
      "a,b\r\nx,".length,
      -2,
    );
    const bare = line.startsWith('"') ? line.slice(1, -1).replaceAll('""', '"') : line;
    strictEqual(/^[=+\-@\t\r\n\0]/.test(bare), false);
    strictEqual(bare === cell || bare === `'${cell}`, true);
  }));
});

Deno.test("ndjson keeps columns of one name apart, and names of any kind", async () => {
  const table = result([["a", "INTEGER"], ["a", "INTEGER"], ["__proto__", "VARCHAR"]], [1, 2, "x"]);
  const { body } = await formatResult(table, "ndjson");
  strictEqual(body, '{"a":1,"a_1":2,"__proto__":"x"}\n');
  deepStrictEqual(distinctNames(["a", "a", "a_1", "a"]), ["a", "a_1", "a_1_1", "a_2"]);
});

Deno.test("arrow keeps every digit and every microsecond", async () => {
  const columns: [string, string][] = [
    ["i", "INTEGER"],
    ["l", "BIGINT"],
    ["f", "DOUBLE"],
    ["d", "DECIMAL(18,4)"],
    ["t", "TIMESTAMP"],
    ["z", "TIMESTAMP WITH TIME ZONE"],
    ["y", "DATE"],
    ["b", "BOOLEAN"],
    ["s", "VARCHAR"],
    ["n", "INTEGER[]"],
    ["e", "TIMESTAMP"],
    ["h", "HUGEINT"],
  ];
  const table = result(
    columns,
    [
      1,
      "9007199254740993",
      0.1,
      -1.5,
      "1969-12-31T23:59:59.999999Z",
      "2026-01-01T00:00:00.000Z",
      "2026-01-31",
      true,
    ]
      .concat(["é😀", [1, 2], "infinity", "99999999999999999999999999999999999999"] as never[]),
    columns.map(() => null),
    [
      -2,
      -3,
      "NaN",
      "-12345678901234.5678",
      "2026-01-31T09:30:00.123456Z",
      null,
      "1969-12-31",
      false,
      "",
      [],
      null,
    ],
  );
  const { body } = await formatResult(table, "arrow");
  const read = tableFromIPC(body as Uint8Array);
  deepStrictEqual(read.schema.fields.map((field) => String(field.type)), [
    ...["Int32", "Int64", "Float64", "Decimal[18e+4]", "Timestamp<MICROSECOND>"],
    ...["Timestamp<MICROSECOND, UTC>", "Date32<DAY>", "Bool", "Utf8", "Utf8", "Utf8", "Decimal[38e0]"],
  ]);
  const column = (name: string) => read.getChild(name)!;
  deepStrictEqual([...column("l")], [9007199254740993n, null, -3n]);
  deepStrictEqual([...column("i")], [1, null, -2]);
  deepStrictEqual([...column("f")], [0.1, null, NaN]);
  deepStrictEqual([...column("b")], [true, null, false]);
  deepStrictEqual([...column("s")], ["é😀", null, ""]);
  deepStrictEqual([...column("n")], ["[1,2]", null, "[]"]);
  const micros = new BigInt64Array(
    column("t").data[0].values.buffer,
    column("t").data[0].values.byteOffset,
    3,
  );
  deepStrictEqual([...micros], [-1n, 0n, 1769851800123456n]);
  const words = column("d").data[0].values;
  const unscaled = new BigInt64Array(words.buffer, words.byteOffset, 6);
  deepStrictEqual([unscaled[0], unscaled[1], unscaled[4], unscaled[5]], [
    -15000n,
    -1n,
    -123456789012345678n,
    -1n,
  ]);
});

Deno.test("arrow keeps decimals of many places as they are", async () => {
  const cells = [0.1, 1e-7, -1e-20, "-123456789012345678.00000000000000000001", 0];
  const table = result([["d", "DECIMAL(38,20)"]], ...cells.map((cell) => [cell]));
  const { body } = await formatResult(table, "arrow");
  const { values } = tableFromIPC(body as Uint8Array).getChild("d")!.data[0];
  const words = new BigInt64Array(values.buffer, values.byteOffset, 2 * cells.length);
  const unscaled = cells.map((_, at) => (words[2 * at + 1] << 64n) + BigInt.asUintN(64, words[2 * at]));
  const expected = [10n ** 19n, 10n ** 13n, -1n, -12345678901234567800000000000000000001n, 0n];
  deepStrictEqual(unscaled, expected);
});

Deno.test("an answer that no text can hold is too large, which is the asker's to change", async () => {
  const rows = { map: () => "x".repeat(2 ** 30) } as unknown as QueryResult["rows"];
  for (const format of ["ndjson", "csv"] as const) {
    await rejects(
      formatResult({ ...result([["a", "VARCHAR"]]), rows }, format),
      (fault: Fault) => fault.code === "limit" && fault.blame === "sender",
    );
  }
});

Deno.test("every format takes an answer without rows", async () => {
  for (const format of QUERY_FORMATS) {
    const { body, content_type } = await formatResult(result([["a", "BIGINT"]]), format);
    strictEqual(typeof content_type, "string");
    if (format === "arrow") strictEqual(tableFromIPC(body as Uint8Array).numRows, 0);
  }
});
