/** What a scrape is told of a lake and of dependencies that come and go. */
import { doesNotMatch, match } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { type Condition, Health } from "../../lib/observe/health.ts";
import { handClock, testApp } from "./test_app.ts";

Deno.test("metrics let go of a freshness that nobody knows any more", async () => {
  const clock = handClock();
  let isAway = false;
  const status = () =>
    isAway
      ? Promise.reject(
        new Fault("store_unavailable", "away", { blame: "dependency", retry: "after_backoff" }),
      )
      : Promise.resolve({ settled: false, freshness_seconds: 4.5 });
  const { app } = testApp({}, { clock, status });
  const scrape = async () => {
    clock.advance(2_000);
    return await (await app.request("/metrics")).text();
  };
  match(await scrape(), /^millrace_freshness_seconds 4\.5$/m);
  isAway = true;
  doesNotMatch(await scrape(), /^millrace_freshness_seconds /m);
  isAway = false;
  match(await scrape(), /^millrace_freshness_seconds 4\.5$/m);
});

Deno.test("metrics tell of every dependency whether it is down", async () => {
  const clock = handClock();
  let store: Condition = "down";
  const health = new Health([
    { name: "store", required: false, check: () => Promise.resolve(store) },
    { name: "log", required: true, check: () => Promise.resolve("degraded") },
  ], clock);
  const { app } = testApp({}, { clock, health });
  const before = await (await app.request("/metrics")).text();
  match(before, /^millrace_dependency_up\{dependency="store"\} 0$/m);
  match(before, /^millrace_dependency_up\{dependency="log"\} 1$/m);
  store = "ok";
  clock.advance(1_001);
  match(await (await app.request("/metrics")).text(), /^millrace_dependency_up\{dependency="store"\} 1$/m);
});
