/** The list of planted bugs stays true: each can still be planted, and no step of the protocol is without one. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { PLANTED_BUGS } from "./planted_bugs.ts";

Deno.test("each planted bug changes a text that stands in its file once, and its test is there", async () => {
  for (const { bug, file, from, to, test } of PLANTED_BUGS) {
    const text = await Deno.readTextFile(file);
    strictEqual(text.split(from).length - 1, 1, `${bug}: ${JSON.stringify(from)} in ${file}`);
    strictEqual(from === to, false, bug);
    strictEqual((await Deno.stat(test)).isFile, true, bug);
  }
});

Deno.test("every step of the protocol has a planted bug, and every bug a name of its own", () => {
  const steps = new Set(PLANTED_BUGS.map(({ step }) => step));
  const wanted = [...Array.from({ length: 12 }, (_, step) => String(step)), "newest", "commit", "state"];
  deepStrictEqual(wanted.filter((step) => !steps.has(step)), []);
  strictEqual(new Set(PLANTED_BUGS.map(({ bug }) => bug)).size, PLANTED_BUGS.length);
});
