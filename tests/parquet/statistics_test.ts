/** Statistics as text become bounds that never say too little. */
import assert from "node:assert/strict";
import { columnStats } from "../../lib/parquet/statistics.ts";

const boundsOf = (type: string, min: string | null, max: string | null, has_nan = false) => {
  const fields = [{ id: 1, name: "c", type, required: false }];
  const [stats] = columnStats(fields, {
    c: { min, max, null_count: 0, value_count: 1, size_bytes: 5, has_nan },
  });
  return [stats.lower, stats.upper];
};

Deno.test("`columnStats` turns texts into values as rows hold them", () => {
  assert.deepEqual(boundsOf("int", "-5", "7"), [-5, 7]);
  assert.deepEqual(boundsOf("long", "1", "9223372036854775807"), [1, "9223372036854775807"]);
  assert.deepEqual(boundsOf("double", "-inf", "1e+300"), [-Infinity, 1e300]);
  assert.deepEqual(boundsOf("decimal(18, 4)", "-0.0001", "5.0000"), ["-0.0001", "5.0000"]);
  assert.deepEqual(boundsOf("timestamp", "2026-01-31 09:30:00", "2026-01-31 09:30:00.5"), [
    "2026-01-31T09:30:00",
    "2026-01-31T09:30:00.5",
  ]);
  assert.deepEqual(boundsOf("date", "2026-01-31", "2026-02-01"), ["2026-01-31", "2026-02-01"]);
  assert.deepEqual(boundsOf("boolean", "0", "1"), [false, true]);
  assert.deepEqual(boundsOf("string", "", "é"), ["", "é"]);
});

Deno.test("`columnStats` bounds both zeros by either, and keeps no bound that could lie", () => {
  assert.deepEqual(boundsOf("double", "0.0", "0.0"), [-0, 0]);
  assert.deepEqual(boundsOf("double", "1.5", "1.5", true), [null, null]);
  assert.deepEqual(boundsOf("string", null, null), [null, null]);
  assert.deepEqual(boundsOf("timestamp", "-infinity", "infinity"), [null, null]);
  assert.deepEqual(boundsOf("timestamp", "0044-03-15 00:00:00 (BC)", "2026-01-31 00:00:00"), [
    null,
    "2026-01-31T00:00:00",
  ]);
  assert.deepEqual(boundsOf("binary", "a", "b"), [null, null]);
});

Deno.test("`columnStats` knows only columns of their own name", () => {
  const fields = [{ id: 1, name: "constructor", type: "string", required: false }];
  assert.deepEqual(columnStats(fields, {}), []);
});
