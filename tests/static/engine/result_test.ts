import assert from "node:assert/strict";
import { Int32, RecordBatch, tableFromArrays } from "apache-arrow";
import { Result } from "../../../static/engine/result.ts";

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
