/** Data files from before and after each change of a schema read as one table. */
import assert from "node:assert/strict";
import type { IcebergField } from "../../lib/iceberg/metadata.ts";
import { changeFields, numberFields, type SchemaChange } from "../../lib/iceberg/schema.ts";
import { ndjsonRelation } from "../../lib/parquet/ndjson.ts";
import { parquetRelation } from "../../lib/parquet/relation.ts";
import { openTempWriter } from "./temp_writer.ts";

Deno.test("`parquetRelation` reads files of any age by field id", async () => {
  await using temp = await openTempWriter();
  const write = async (columns: readonly IcebergField[], row: Record<string, unknown>) => {
    const select = ndjsonRelation({ paths: [await temp.ndjson([row])] }, columns);
    const [file] = await temp.writer.write({
      select,
      columns,
      order_by: [],
      day_column: null,
      folder: temp.folder,
    });
    return file.path;
  };
  let numbered = numberFields([
    { name: "id", type: "int" },
    { name: "price", type: "decimal(9, 2)" },
    { name: "old", type: "string" },
    { name: "gone", type: "string" },
    { name: "nested", type: { struct: [{ name: "a", type: "int" }] } },
    { name: "map", type: { map: "string" } },
  ]);
  const paths = [
    await write(numbered.fields, {
      id: 1,
      price: "1.25",
      old: "x",
      gone: "g",
      nested: { a: 7 },
      map: { k: "v" },
    }),
  ];
  const changes: SchemaChange[] = [
    { change: "rename", name: "old", to: "new" },
    { change: "drop", name: "gone" },
    { change: "widen", name: "id", type: "long" },
    { change: "widen", name: "price", type: "decimal(18, 2)" },
    { change: "add", column: { name: "old", type: "long" } },
    { change: "add", column: { name: "list", type: { list: "string" } } },
  ];
  for (const change of changes) numbered = changeFields(numbered, change);
  paths.push(
    await write(numbered.fields, {
      id: "9007199254740993",
      price: "9999999999999999.99",
      new: "y",
      old: 4,
      list: ["l"],
    }),
  );
  const { columns, rows } = await temp.writer.query(
    `SELECT * FROM (${parquetRelation(paths, numbered.fields)}) ORDER BY id`,
  );
  assert.deepEqual(columns.map(({ name, type }) => `${name} ${type.replaceAll('"', "")}`), [
    "id BIGINT",
    "price DECIMAL(18,2)",
    "new VARCHAR",
    "nested STRUCT(a INTEGER)",
    "map MAP(VARCHAR, VARCHAR)",
    "old BIGINT",
    "list VARCHAR[]",
  ]);
  assert.deepEqual(rows, [
    ["1", "1.25", "x", { a: 7 }, [{ key: "k", value: "v" }], null, null],
    ["9007199254740993", "9999999999999999.99", "y", null, null, "4", ["l"]],
  ]);
});

Deno.test("`parquetRelation` of no files has the columns and no rows", async () => {
  await using temp = await openTempWriter();
  const { fields } = numberFields([{ name: 'odd "name"', type: { list: "timestamp" } }]);
  const { columns, rows } = await temp.writer.query(parquetRelation([], fields));
  assert.deepEqual(columns, [{ name: 'odd "name"', type: "TIMESTAMP[]" }]);
  assert.deepEqual(rows, []);
});
