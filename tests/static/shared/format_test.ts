import assert from "node:assert/strict";
import { plural } from "../../../static/shared/format.ts";

Deno.test("`plural` says one of a thing as one, whatever kind of number it is", () => {
  assert.deepEqual([0, 1, 2, 1_000].map((n) => plural(n, "row")), [
    "0 rows",
    "1 row",
    "2 rows",
    "1,000 rows",
  ]);
  assert.deepEqual([plural("1", "row"), plural(1n, "row"), plural(-1, "row")], ["1 row", "1 row", "-1 row"]);
  assert.equal(plural(null, "row"), "– rows");
  assert.equal(plural(1, "row matches", "rows match"), "1 row matches");
});
