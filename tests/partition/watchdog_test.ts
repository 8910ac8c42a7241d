/** The watchdog names owners that stand still, and nobody else. */
import { deepStrictEqual } from "node:assert/strict";
import { Watchdog } from "../../lib/partition/watchdog.ts";

Deno.test("Watchdog names an owner that did not turn for as long as it may, until it turns again or is let go", () => {
  const watchdog = new Watchdog(1_000);
  watchdog.turned(0, 0);
  watchdog.turned(1, 500);
  deepStrictEqual(watchdog.still(999), []);
  deepStrictEqual(watchdog.still(1_000), [0]);
  deepStrictEqual(watchdog.still(1_500), [0, 1]);
  watchdog.turned(0, 1_500);
  deepStrictEqual(watchdog.still(1_600), [1]);
  watchdog.forget(1);
  deepStrictEqual(watchdog.still(2_000), []);
  deepStrictEqual(watchdog.still(2_500), [0]);
});
