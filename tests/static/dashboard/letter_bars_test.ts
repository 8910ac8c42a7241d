import assert from "node:assert/strict";
import { letterSentence } from "../../../static/dashboard/letter_bars.ts";

Deno.test("`letterSentence` says how many came in the range and what most of them are", () => {
  assert.equal(letterSentence([{ reason: "schema", amount: 1 }]), "1 letter in this time: schema.");
  assert.equal(
    letterSentence([{ reason: "schema", amount: 3 }, { reason: "too_deep", amount: 1 }]),
    "4 letters in this time; 75 % are schema.",
  );
});
