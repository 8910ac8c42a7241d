/** A stream that is stopped and resumed from its checkpointed state gives the rows, and the state, of one that was not. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CLOSE_ALL, contents, randomRecords, run, SHIPPED } from "./stream_case.ts";

Deno.test("resuming after every record equals never having stopped", () => {
  fc.assert(
    fc.property(randomRecords, (random) => {
      const records = [...SHIPPED, ...random, CLOSE_ALL];
      const whole = run(records);
      const resumed = run(records, () => true);
      assert.deepEqual(resumed.steps, whole.steps);
      assert.deepEqual(contents(resumed.state), contents(whole.state));
    }),
    { numRuns: 25 },
  );
});

Deno.test("resuming anywhere equals never having stopped", () => {
  fc.assert(
    fc.property(randomRecords, fc.array(fc.nat(120), { maxLength: 4 }), (random, stops) => {
      const records = [...SHIPPED, ...random];
      const whole = run(records);
      const resumed = run(records, (offset) => stops.includes(offset));
      assert.deepEqual(resumed.steps, whole.steps);
      assert.deepEqual(contents(resumed.state), contents(whole.state));
    }),
    { numRuns: 25 },
  );
});
