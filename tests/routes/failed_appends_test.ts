/** What the log says while nothing can be appended: the cause, at once and then seldom, not a line for each request. */
import { deepEqual, equal } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { LastTrouble } from "../../lib/observe/last_trouble.ts";
import { handClock, testApp } from "./test_app.ts";

const full = (code = "log_unavailable") =>
  new Fault(code, "Cannot append: the disk is full", { blame: "dependency", retry: "after_backoff" });

function failing(error: () => Error) {
  const clock = handClock();
  const appends = new LastTrouble(clock);
  const test = testApp({}, { clock, appends, log: { append: () => Promise.reject(error()) } });
  const post = async () =>
    (await test.app.request("/ingest/event", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    })).status;
  const told = () =>
    test.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "append failed")
      .map(({ reason, times }) => [reason, times]);
  return { clock, appends, post, told };
}

Deno.test("appends that fail for one cause are told once in five seconds, with how many there were", async () => {
  let code = "log_unavailable";
  const { clock, appends, post, told } = failing(() => full(code));
  for (let n = 0; n < 4; n++) equal(await post(), 503);
  deepEqual(told(), [["Cannot append: the disk is full", undefined]]);
  equal(appends.cause, "Cannot append: the disk is full");
  clock.advance(5_000);
  await post();
  deepEqual(told().slice(1), [["Cannot append: the disk is full", 4]]);
  code = "overloaded";
  await post();
  equal(told().length, 3);
});

Deno.test("an append that fails by a fault of our own is told each time, as its answer says", async () => {
  const { post, told } = failing(() => new TypeError("a bug"));
  for (let n = 0; n < 3; n++) equal(await post(), 500);
  equal(told().length, 3);
});
