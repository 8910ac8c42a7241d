/** No step of the protocol is without a planted bug (that each can still be planted is a rule of the house, tidy_test.ts). */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { PLANTED_BUGS } from "./planted_bugs.ts";

Deno.test("every step of the protocol has a planted bug, and every bug a name of its own", () => {
  const steps = new Set(PLANTED_BUGS.map(({ step }) => step));
  const wanted = [...Array.from({ length: 12 }, (_, step) => String(step)), "newest", "commit", "state"];
  deepStrictEqual(wanted.filter((step) => !steps.has(step)), []);
  strictEqual(new Set(PLANTED_BUGS.map(({ bug }) => bug)).size, PLANTED_BUGS.length);
});
