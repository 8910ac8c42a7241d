import { strictEqual } from "node:assert/strict";
import { LastTrouble } from "../../lib/observe/last_trouble.ts";
import { handClock } from "../routes/test_app.ts";

Deno.test("LastTrouble lasts until a success, or for half a minute", () => {
  const clock = handClock();
  const trouble = new LastTrouble(clock);
  strictEqual(trouble.cause, null);
  trouble.failed("the disk is full");
  clock.advance(29_999);
  strictEqual(trouble.cause, "the disk is full");
  trouble.succeeded();
  strictEqual(trouble.cause, null);
  trouble.failed("the disk is full");
  clock.advance(30_000);
  strictEqual(trouble.cause, null);
});

Deno.test("LastTrouble does not last until a clock that was set back is there once more", () => {
  const clock = handClock();
  const trouble = new LastTrouble(clock);
  trouble.failed("the disk is full");
  clock.advance(-3_600_000);
  strictEqual(trouble.cause, null);
});
