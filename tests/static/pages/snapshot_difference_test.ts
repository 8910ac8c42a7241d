import assert from "node:assert/strict";
import { differenceOf } from "../../../static/pages/snapshot_difference.ts";

const file = (name: string, rows: number) => ({ name, url: `/lake/${name}`, size_bytes: 1, rows });
const list = (files: ReturnType<typeof file>[], schema: { id: number; name: string; type: unknown }[]) => ({
  snapshot_id: 1,
  committed_at: null,
  schema,
  files,
});

Deno.test("`differenceOf` tells files, rows and columns apart", () => {
  const before = list([file("a", 5), file("b", 7)], [{ id: 1, name: "x", type: "int" }, {
    id: 2,
    name: "old",
    type: "string",
  }]);
  const after = list([file("b", 7), file("c", 20)], [{ id: 1, name: "y", type: "long" }, {
    id: 3,
    name: "new",
    type: "string",
  }]);
  const difference = differenceOf(before, after);
  assert.deepEqual(difference.added.map((one) => one.name), ["c"]);
  assert.deepEqual(difference.removed.map((one) => one.name), ["a"]);
  assert.equal(difference.rows, 15);
  assert.deepEqual(difference.schema, [
    "column x renamed to y",
    "column y widened from INTEGER to BIGINT",
    "column new added",
    "column old dropped",
  ]);
});

Deno.test("`differenceOf` counts everything as new in the first snapshot", () => {
  const first = list([file("a", 5)], [{ id: 1, name: "x", type: "int" }]);
  assert.deepEqual(differenceOf(null, first), { added: first.files, removed: [], rows: 5, schema: [] });
});
