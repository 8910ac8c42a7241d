/** Rows of segments survive the way into Parquet and back, cell by cell, also under a newer schema. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { changeFields, numberFields } from "../../lib/iceberg/schema.ts";
import { timestampText } from "../../lib/iceberg/calendar.ts";
import { ndjsonRelation } from "../../lib/parquet/ndjson.ts";
import { parquetRelation } from "../../lib/parquet/relation.ts";
import { openTempWriter, type TempWriter } from "./temp_writer.ts";

const numbered = numberFields([
  { name: "text", type: "string" },
  { name: "small", type: "int" },
  { name: "large", type: "long" },
  { name: "ratio", type: "double" },
  { name: "flag", type: "boolean" },
  { name: "money", type: "decimal(18, 4)" },
  { name: "moment", type: "timestamp" },
  { name: "list", type: { list: "string" } },
  { name: "map", type: { map: "string" } },
  {
    name: "errors",
    type: { list: { struct: [{ name: "field", type: "string" }, { name: "code", type: "string" }] } },
  },
]);
const { fields } = numbered;

const text = fc.string({ unit: "binary", maxLength: 30 }).map((value) => value.toWellFormed());
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 8 });
const decimal = fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }).map((unscaled) => {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(5, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
});
const row = fc.record({
  text: nullable(text),
  small: nullable(fc.integer()),
  large: nullable(
    fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  ),
  ratio: nullable(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value),
  ),
  flag: nullable(fc.boolean()),
  money: nullable(decimal),
  moment: nullable(fc.bigInt({ min: 0n, max: 253_402_300_799_999_999n }).map(timestampText)),
  list: nullable(fc.array(nullable(text), { maxLength: 4 })),
  map: nullable(fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true })),
  errors: nullable(
    fc.array(fc.record({ field: text, code: nullable(text) }, { noNullPrototype: true }), { maxLength: 3 }),
  ),
}, { requiredKeys: [] });

/** A row as DuckDB's JSON shows it. */
function shown(cells: Partial<Record<string, unknown>>): unknown[] {
  return fields.map(({ name }) => {
    const cell = cells[name] ?? null;
    if (cell === null) return null;
    if (name === "large") return String(cell);
    if (name === "moment") return String(cell).replace("T", " ").replace(/\.?0+$/, "");
    if (name === "map") return Object.entries(cell).map(([key, value]) => ({ key, value }));
    return cell;
  });
}

async function throughParquet(temp: TempWriter, select: string, columns = fields): Promise<unknown[][]> {
  const files = await temp.writer.write({
    select,
    columns,
    order_by: [],
    day_column: null,
    folder: temp.folder,
  });
  const { rows } = await temp.writer.query(parquetRelation(files.map((file) => file.path), columns));
  return rows;
}

/** `23:00:00` must keep its zeros, `.500000` need not. */
const tidy = (rows: unknown[][]) =>
  rows.map((cells) =>
    cells.map((cell, i) =>
      fields[i]?.name === "moment" && typeof cell === "string"
        ? cell.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")
        : cell
    )
  );

Deno.test("`ndjsonRelation` keeps every cell", async () => {
  await using temp = await openTempWriter();
  const rows = fc.sample(row, { numRuns: 400, seed: 1 });
  const path = await temp.ndjson(rows.slice(0, 150), rows.slice(150));
  const read = await throughParquet(temp, ndjsonRelation({ paths: [path] }, fields));
  const wanted = rows.map((cells) => {
    const one = shown(cells);
    one[6] = typeof cells.moment === "string" ? cells.moment.replace("T", " ") : null;
    return one;
  });
  assert.deepEqual(tidy(read), tidy(wanted));
});

Deno.test("`ndjsonRelation` keeps every character, NUL and the highest too", async () => {
  await using temp = await openTempWriter();
  const all: string[] = [];
  for (let start = 0; start < 0x110000; start += 0x1000) {
    if (start >= 0xd800 && start < 0xe000) continue;
    const points = Array.from({ length: 0x1000 }, (_, i) => start + i).filter((one) =>
      one < 0xd800 || one > 0xdfff
    );
    all.push(String.fromCodePoint(...points));
  }
  const path = await temp.ndjson(all.map((value) => ({ text: value })));
  const read = await throughParquet(
    temp,
    ndjsonRelation({ paths: [path] }, fields.slice(0, 1)),
    fields.slice(0, 1),
  );
  assert.deepEqual(read.flat(), all);
});

Deno.test("`ndjsonRelation` takes a row of many megabytes", async () => {
  await using temp = await openTempWriter();
  const body = "\u0001".repeat(6 * 1024 * 1024);
  const path = await temp.ndjson([{ text: "before" }, { text: body }, { text: "after" }]);
  const read = await throughParquet(
    temp,
    ndjsonRelation({ paths: [path] }, fields.slice(0, 1)),
    fields.slice(0, 1),
  );
  assert.deepEqual(read.map(([value]) => String(value).length), [6, body.length, 5]);
});

Deno.test("`ndjsonRelation` maps rows of an older schema by field id", async () => {
  await using temp = await openTempWriter();
  const path = await temp.ndjson([{ text: "t", small: 5, money: "1.5", flag: true }]);
  const changed = [
    { change: "rename", name: "text", to: "label" },
    { change: "widen", name: "small", type: "long" },
    { change: "drop", name: "flag" },
    { change: "add", column: { name: "flag", type: "string" } },
  ] as const;
  const wanted = changed.reduce(changeFields, numbered).fields;
  const relation = ndjsonRelation({ paths: [path], written: fields }, wanted);
  const { columns, rows } = await temp.writer.query(relation);
  const cells = Object.fromEntries(columns.map(({ name }, i) => [name, rows[0][i]]));
  assert.equal(cells.label, "t");
  assert.equal(cells.small, "5");
  assert.equal(columns.find(({ name }) => name === "small")?.type, "BIGINT");
  assert.equal(cells.money, "1.5000");
  assert.equal(cells.flag, null, "a new column of an old name is another column");
});
