import { deepEqual, equal } from "node:assert/strict";
import { addCount, countOf } from "../lib/counts_by_name.ts";

Deno.test("addCount begins at nothing, whatever an object inherits by that name", () => {
  const counts: Record<string, number> = {};
  for (const name of ["shop", "constructor", "__proto__"]) {
    equal(countOf(counts, name), 0);
    addCount(counts, name, 1);
    addCount(counts, name, 2);
  }
  deepEqual(Object.entries(counts), [["shop", 3], ["constructor", 3], ["__proto__", 3]]);
});
