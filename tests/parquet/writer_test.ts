/** Writing Parquet: one sorted file a day, ids on every field, statistics that tell the truth. */
import assert from "node:assert/strict";
import { dataFile } from "../../lib/parquet/statistics.ts";
import { ndjsonRelation } from "../../lib/parquet/ndjson.ts";
import { fingerprintQuery, parquetRelation } from "../../lib/parquet/relation.ts";
import { partitionSpec } from "../../lib/iceberg/partition.ts";
import { numberFields } from "../../lib/iceberg/schema.ts";
import { inTime } from "../waiting.ts";
import { openTempWriter } from "./temp_writer.ts";

const { fields } = numberFields([
  { name: "event_id", type: "string" },
  { name: "at", type: "timestamp" },
  { name: "amount", type: "decimal(18, 4)" },
  { name: "offset", type: "long" },
  { name: "late", type: "boolean" },
  { name: "tags", type: { list: "string" } },
  { name: "headers", type: { map: "string" } },
  {
    name: "place",
    type: { struct: [{ name: "lat", type: "double" }, { name: "names", type: { list: "string" } }] },
  },
]);
const spec = partitionSpec(fields, [{ column: "at", transform: "day" }]);

const row = (event_id: string, at: string | null, more = {}) => ({
  event_id,
  at,
  amount: "-12.3400",
  offset: "9007199254740993",
  late: false,
  tags: ["a", null],
  headers: { k: "v" },
  place: { lat: 1.5, names: ["x"] },
  ...more,
});

Deno.test("`write` makes one sorted file for each day that occurs, and one for rows without", async () => {
  await using temp = await openTempWriter();
  const path = await temp.ndjson(
    [row("c", "2026-02-01T00:00:00.000000"), row("b", "2026-01-31T23:59:59.999999")],
    [row("a", "2026-01-31T00:00:00.000"), row("d", null), row("a", "1969-12-31T23:59:59.000001")],
  );
  const select = ndjsonRelation({ paths: [path] }, fields);
  const files = await temp.writer.write({
    select,
    columns: fields,
    order_by: ["event_id", "at"],
    day_column: "at",
    folder: temp.folder,
  });
  const seen = await Promise.all(files.map(async ({ path, day, record_count, size_bytes }) => {
    assert.equal((await Deno.stat(path)).size, size_bytes);
    const { rows } = await temp.writer.query(`SELECT event_id FROM (${parquetRelation([path], fields)})`);
    assert.equal(rows.length, record_count);
    return [day, rows.flat()];
  }));
  assert.deepEqual(seen, [[-1, ["a"]], [20484, ["a", "b"]], [20485, ["c"]], [null, ["d"]]]);
});

Deno.test("`write` gives an id to every field and every group within", async () => {
  await using temp = await openTempWriter();
  const path = await temp.ndjson([row("a", "2026-01-31T00:00:00.000")]);
  const select = ndjsonRelation({ paths: [path] }, fields);
  const [file] = await temp.writer.write({
    select,
    columns: fields,
    order_by: [],
    day_column: null,
    folder: temp.folder,
  });
  const { rows } = await temp.writer.query(
    `SELECT name, field_id, type, logical_type FROM parquet_schema('${file.path}') WHERE field_id IS NOT NULL`,
  );
  const ids = rows.map(([name, id]) => [name, Number(id)]);
  assert.deepEqual(ids, [
    ...[["event_id", 1], ["at", 2], ["amount", 3], ["offset", 4], ["late", 5], ["tags", 6], ["element", 9]],
    ...[["headers", 7], ["key", 10], ["value", 11], ["place", 8], ["lat", 12], ["names", 13], [
      "element",
      14,
    ]],
  ]);
  const at = rows.find(([name]) => name === "at")!;
  assert.equal(at[2], "INT64");
  assert.match(String(at[3]), /isAdjustedToUTC=0.*MICROS=MicroSeconds/);
});

Deno.test("`write` tells statistics that hold for the rows", async () => {
  await using temp = await openTempWriter();
  const path = await temp.ndjson([
    row("b", "2026-01-31T00:00:00.000001", { amount: "99999999999999.9999", late: true }),
    row("a\0\u{1F600}", "2026-01-31T00:00:00.5", { offset: null }),
  ]);
  const select = ndjsonRelation({ paths: [path] }, fields);
  const [file] = await temp.writer.write({
    select,
    columns: fields,
    order_by: [],
    day_column: null,
    day: 20484,
    folder: temp.folder,
  });
  const entry = dataFile(file, "s3://b/x.parquet", { fields, spec });
  assert.deepEqual(entry.partition, { at_day: 20484 });
  assert.equal(entry.record_count, 2);
  const told = entry.column_stats.map(({ size_bytes, ...rest }) => size_bytes! > 0 && rest);
  assert.deepEqual(told, [
    { id: 1, lower: "a\0\u{1F600}", upper: "b", null_count: 0, value_count: 2 },
    {
      id: 2,
      lower: "2026-01-31T00:00:00.000001",
      upper: "2026-01-31T00:00:00.5",
      null_count: 0,
      value_count: 2,
    },
    { id: 3, lower: "-12.3400", upper: "99999999999999.9999", null_count: 0, value_count: 2 },
    { id: 4, lower: "9007199254740993", upper: "9007199254740993", null_count: 1, value_count: 2 },
    { id: 5, lower: false, upper: true, null_count: 0, value_count: 2 },
  ]);
});

Deno.test("`write` tells of a NaN in any row group, and of no bounds that leave it out", async () => {
  await using temp = await openTempWriter();
  const { fields: columns } = numberFields([{ name: "x", type: "double" }, { name: "y", type: "float" }]);
  for (const nan_at of [0, 2500, 5999, -1]) {
    const [file] = await temp.writer.write({
      select:
        `SELECT CASE WHEN i = ${nan_at} THEN 'nan'::DOUBLE ELSE i END AS x, i::FLOAT AS y FROM range(6000) r(i)`,
      columns,
      order_by: [],
      day_column: null,
      folder: temp.folder,
      row_group_rows: 2048,
    });
    const { column_stats: [x, y] } = dataFile(file, "s3://b/x.parquet", {
      fields: columns,
      spec: partitionSpec([], []),
    });
    assert.deepEqual([x.lower, x.upper], nan_at === -1 ? [-0, 5999] : [null, null], String(nan_at));
    assert.deepEqual([y.lower, y.upper], [-0, 5999]);
  }
});

Deno.test("`write` of no rows makes no file", async () => {
  await using temp = await openTempWriter();
  for (const day_column of [null, "at"]) {
    const none = parquetRelation([], fields);
    const request = { select: none, columns: fields, order_by: ["at"], day_column, folder: temp.folder };
    assert.deepEqual(await temp.writer.write(request), []);
  }
  const left = (await Array.fromAsync(Deno.readDir(temp.folder))).filter((entry) => entry.isFile);
  assert.deepEqual(left, []);
});

Deno.test("`write` puts many days into as many files within its memory", async () => {
  await using temp = await openTempWriter();
  const columns = fields.slice(0, 3);
  const days = 200;
  const select =
    `SELECT 'e' || i AS event_id, TIMESTAMP '2020-01-01' + INTERVAL (i % ${days}) DAY AS "at", ` +
    `CAST(i AS DECIMAL(18, 4)) AS amount FROM range(5000) r(i)`;
  const files = await temp.writer.write({
    select,
    columns,
    order_by: ["amount"],
    day_column: "at",
    folder: temp.folder,
  });
  assert.equal(files.length, days);
  assert.ok(files.every((file) => file.record_count === 25));
  assert.equal(new Set(files.map((file) => file.day)).size, days);
});

Deno.test("`write` makes smaller row groups of wider rows", async () => {
  await using temp = await openTempWriter({ memory_bytes: 96 * 1024 * 1024 });
  const columns = fields.slice(0, 1);
  const select = `SELECT repeat(md5(i::VARCHAR), 100) AS event_id FROM range(6000) r(i)`;
  const request = { select, columns, order_by: [], day_column: null, folder: temp.folder };
  const [file] = await temp.writer.write(request);
  const { rows } = await temp.writer.query(
    `SELECT num_row_groups FROM parquet_file_metadata('${file.path}')`,
  );
  assert.ok(Number(rows[0][0]) > 1);
});

Deno.test("`fingerprintQuery` is equal for equal rows in any order and any number of files", async () => {
  await using temp = await openTempWriter();
  const rows = Array.from({ length: 100 }, (_, i) => row(`e${i}`, `2026-01-${10 + i % 20}T00:00:00.000`));
  const path = await temp.ndjson(rows);
  const write = async (order: string, day_column: string | null) =>
    (await temp.writer.write({
      select: `SELECT * FROM (${ndjsonRelation({ paths: [path] }, fields)}) ORDER BY ${order}`,
      columns: fields,
      order_by: [],
      day_column,
      folder: temp.folder,
    })).map((file) => file.path);
  const fingerprint = async (paths: string[]) =>
    (await temp.writer.query(fingerprintQuery(parquetRelation(paths, fields), fields))).rows[0];
  const one = await fingerprint(await write("event_id", null));
  assert.deepEqual(one, await fingerprint(await write("event_id DESC", "at")));
  assert.equal(one[0], "100");
  rows[0] = row("e0", "2026-01-10T00:00:00.000001");
  await Deno.copyFile(await temp.ndjson(rows), path);
  assert.notDeepEqual(one, await fingerprint(await write("event_id", null)));
});

Deno.test("`write` ends at once when its signal does, and says why when the engine fails", async () => {
  await using temp = await openTempWriter();
  const request = {
    select: "SELECT CAST(i AS BIGINT) AS x FROM range(100000000000) r(i)",
    columns: [{ id: 1, name: "x", type: "long", required: false }],
    order_by: ["x"],
    day_column: null,
    folder: temp.folder,
  };
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 100);
  await assert.rejects(temp.writer.write({ ...request, signal: controller.signal }), { message: "enough" });
  await assert.rejects(temp.writer.write({ ...request, select: "SELECT nothing" }), {
    code: "parquet_engine",
  });
});

Deno.test("`write` sorts rows whether they are few or many, narrow or wide, over one day or many", async () => {
  await using temp = await openTempWriter({ memory_bytes: 96 * 1024 * 1024 });
  const columns = fields.slice(0, 4);
  const cases = [
    { name: "few", rows: 3000, repeat: 1, days: 3 },
    { name: "few on many days", rows: 3000, repeat: 1, days: 30 },
    { name: "many narrow", rows: 150_000, repeat: 4, days: 2 },
    { name: "many wide", rows: 12_000, repeat: 100, days: 3 },
    { name: "many wide, one file", rows: 12_000, repeat: 100, days: 0 },
  ];
  for (const { name, rows, repeat, days } of cases) {
    const select = `SELECT repeat(md5(i::VARCHAR), ${repeat}) AS event_id, ` +
      `TIMESTAMP '2026-01-01' + INTERVAL (i % ${days || 1}) DAY AS "at", ` +
      `CAST(NULL AS DECIMAL(18, 4)) AS amount, CAST(hash(i) % 1000000 AS BIGINT) AS "offset" FROM range(${rows}) r(i)`;
    const day_column = days === 0 ? null : "at";
    const order_by = ["offset", "event_id"];
    const request = { select, columns, order_by, day_column, folder: temp.folder };
    const files = await temp.writer.write(request);
    assert.equal(files.length, days || 1, name);
    for (const file of files) {
      assert.equal(file.record_count, rows / (days || 1), name);
      const relation = parquetRelation([file.path], columns);
      const { rows: [[unsorted, counted]] } = await temp.writer.query(
        `SELECT count(*) FILTER (o < before), count(DISTINCT e) FROM (SELECT "offset" AS o, event_id AS e, ` +
          `lag("offset") OVER () AS before FROM (${relation}))`,
      );
      assert.deepEqual([unsorted, counted], ["0", String(file.record_count)], name);
    }
    const kept = await temp.writer.query(
      fingerprintQuery(parquetRelation(files.map(({ path }) => path), columns), columns),
    );
    assert.deepEqual(kept.rows, (await temp.writer.query(fingerprintQuery(select, columns))).rows, name);
  }
  const left = (await Array.fromAsync(Deno.readDir(temp.folder))).filter((entry) =>
    entry.name.startsWith("ranges")
  );
  assert.deepEqual(left, []);
});

Deno.test("`write` of rows that are known to be few does not stage them", async () => {
  await using temp = await openTempWriter();
  const columns = fields.slice(0, 1);
  const select = "SELECT 'b' AS event_id UNION ALL SELECT 'a'";
  const request = { select, columns, order_by: ["event_id"], day_column: null, folder: temp.folder };
  const [file] = await temp.writer.write({ ...request, expected: { rows: 2, bytes: 100 } });
  const { rows } = await temp.writer.query(`SELECT event_id FROM (${parquetRelation([file.path], columns)})`);
  assert.deepEqual(rows.flat(), ["a", "b"]);
});

Deno.test("`write` lets all of many calls at once have their turn, whichever fails", async () => {
  await using temp = await openTempWriter();
  const columns = fields.slice(0, 1);
  const request = { columns, order_by: [], day_column: null, folder: temp.folder };
  const selects = [
    "SELECT 'a'",
    "SELECT nothing",
    "SELECT 'b'",
    "SELECT nothing",
    "SELECT 'c'",
    "SELECT 'd'",
  ];
  const calls = selects.map((select) => temp.writer.write({ ...request, select: `${select} AS event_id` }));
  const ended = await inTime(Promise.allSettled(calls), "the last turn");
  assert.deepEqual(
    ended.map((one) => one.status === "fulfilled" ? one.value[0].record_count : one.reason.code),
    [1, "parquet_engine", 1, "parquet_engine", 1, 1],
  );
});
