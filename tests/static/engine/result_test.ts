import assert from "node:assert/strict";
import { DateDay, Field, Int32, makeData, RecordBatch, Schema, Struct, tableFromArrays } from "apache-arrow";
import { Result } from "../../../static/engine/result.ts";
import { ServerRows } from "../../../static/engine/server_rows.ts";

const batch = (from: number, rows: number): RecordBatch<{ n: Int32 }> =>
  tableFromArrays({ n: Int32Array.from({ length: rows }, (_, at) => from + at) }).batches[0];

Deno.test("`addUpTo` takes as many rows as fit, and says truncated only when there were more", () => {
  const whole = new Result(batch(0, 1).schema);
  assert.equal(whole.addUpTo(batch(0, 60), 100), true);
  assert.equal(whole.addUpTo(batch(60, 40), 100), true);
  assert.deepEqual([whole.rowCount, whole.truncated], [100, false]);
  assert.equal(whole.addUpTo(batch(100, 1), 100), false);
  assert.deepEqual([whole.rowCount, whole.truncated, whole.text(99, 0)], [100, true, "99"]);
  const cut = new Result(batch(0, 1).schema);
  assert.equal(cut.addUpTo(batch(0, 130), 100), false);
  assert.deepEqual([cut.rowCount, cut.truncated, cut.text(99, 0)], [100, true, "99"]);
});

Deno.test("`ServerRows` knows numbers by their type, and an interval is none", () => {
  const types = ["UHUGEINT", "INTEGER", "USMALLINT", "DECIMAL(9,2)", "INTERVAL", "INTEGER[]"];
  const columns = types.map((type) => ({ name: type, type }));
  const rows = new ServerRows({ columns, rows: [], truncated: false, elapsed_ms: 1 });
  assert.deepEqual(rows.columns.map((one) => one.kind), [
    "number",
    "number",
    "number",
    "number",
    "text",
    "nested",
  ]);
});

Deno.test("`ServerRows` shows decimals by their scale, however they came", () => {
  const columns = [{ name: "d", type: "DECIMAL(18,4)" }, { name: "n", type: "DECIMAL(9,0)" }];
  const rows = [[1.5, 2], ["12345678901234.5000", null], [1e-7, -3]];
  const given = new ServerRows({ columns, rows, truncated: false, elapsed_ms: 1 });
  const texts = rows.map((_, row) => columns.map((_, column) => given.text(row, column)));
  assert.deepEqual(texts, [["1.5000", "2"], ["12345678901234.5000", null], ["0.0000", "-3"]]);
});

Deno.test("a day that never ends is no number of days", () => {
  const data = makeData({ type: new DateDay(), data: Int32Array.from([2147483647, -2147483647, 0]) });
  const schema = new Schema([new Field("day", new DateDay())]);
  const days = new Result(schema);
  days.add(
    new RecordBatch(schema, makeData({ type: new Struct(schema.fields), children: [data], length: 3 })),
  );
  assert.deepEqual([0, 1, 2].map((row) => days.text(row, 0)), ["infinity", "-infinity", "1970-01-01"]);
});
