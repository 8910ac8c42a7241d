/** FUZZ_SEED repeats a run, FORGERIES lengthens it; `deno task bench forgery` tries a million. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import process from "node:process";
import { testApp } from "../routes/test_app.ts";
import { signing, tryForgeries } from "./forgery.ts";

const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);
const count = Number(Deno.env.get("FORGERIES") ?? 20_000);
console.log(`fuzz seed ${seed}`);

Deno.test("no sender takes a request that was changed in what it signed", () => {
  const { tried, genuine } = tryForgeries(seed, count);
  strictEqual(tried, count);
  // Else the changes would be so coarse that they prove nothing.
  for (const { name } of signing) {
    ok(genuine[name] > count / 5_000, `${genuine[name]} of ${name} were rightly taken`);
  }
});

Deno.test("a request with 200 signatures costs less than 5 ms of processor time", async () => {
  const { app, records } = testApp();
  const header = `t=${Math.floor(Date.now() / 1000)},${Array(200).fill(`v1=${"0".repeat(64)}`).join(",")}`;
  const times = 200;
  const ask = () =>
    app.request("/hooks/stripe", { method: "POST", headers: { "stripe-signature": header }, body: "{}" });
  strictEqual((await ask()).status, 401);
  // Processor time, not time: what else the machine does is not counted.
  const before = cpuMs();
  for (let i = 0; i < times; i++) await (await ask()).body?.cancel();
  ok((cpuMs() - before) / times < 5);
  deepStrictEqual(records, []);
});

/** Of this process so far, user and system. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
