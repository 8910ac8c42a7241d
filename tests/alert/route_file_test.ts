import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { RouteFile } from "../../lib/alert/route_file.ts";
import { Fault } from "../../lib/errors.ts";
import { handClock } from "../routes/test_app.ts";

const LOOK_EVERY_MS = 2_000;
const ONE = "webhooks:\n  - {name: one, url: https://example.com/a}\n";
const TWO = ONE.replace("one", "two");

/** A file of routes, and what is said of it. */
function edited() {
  const clock = handClock();
  const said: (string | null)[] = [];
  let text: string | null | Fault = ONE;
  const file = new RouteFile({
    read: () => text instanceof Fault ? Promise.reject(text) : Promise.resolve(text),
    taken: (text) => said.push(text),
    refused: (reason) => said.push(reason),
    clock,
  });
  return {
    said,
    /** Names of the routes that one look finds. */
    async look(next: string | null | Fault) {
      text = next;
      clock.advance(LOOK_EVERY_MS);
      return (await file.routes()).map(({ name }) => name);
    },
  };
}

Deno.test("RouteFile takes an edit over once it stands still, and tells of it once", async () => {
  const { said, look } = edited();
  deepStrictEqual(await look(ONE), ["one"]);
  deepStrictEqual(said, []);
  // An editor empties the file, or takes it away, and writes it anew: the route keeps its place.
  for (const meanwhile of ["", null]) {
    deepStrictEqual(await look(meanwhile), ["one"]);
    deepStrictEqual(await look(ONE), ["one"]);
  }
  deepStrictEqual(await look(TWO), ["one"]);
  for (let times = 0; times < 3; times++) deepStrictEqual(await look(TWO), ["two"]);
  await look("");
  deepStrictEqual(await look(""), []);
  deepStrictEqual(said, [TWO, ""]);
});

Deno.test("RouteFile keeps the routes of before beside a bad file, and tells of it once", async () => {
  const { said, look } = edited();
  await look(ONE);
  for (let times = 0; times < 3; times++) deepStrictEqual(await look("webhooks: 5\n"), ["one"]);
  strictEqual(said.length, 1);
  match(String(said[0]), /^Cannot take over alerts\.yaml: line 1: /);
  await look(ONE);
  deepStrictEqual(await look(ONE), ["one"]);
});

Deno.test("RouteFile keeps the routes of before while the file cannot be read, and has none to begin with", async () => {
  const unreadable = new Fault("config_unreadable", "Cannot read alerts.yaml", {
    blame: "us",
    retry: "never",
  });
  const { said, look } = edited();
  await rejects(look(unreadable), unreadable);
  await look(ONE);
  for (let times = 0; times < 3; times++) deepStrictEqual(await look(unreadable), ["one"]);
  deepStrictEqual(said, ["Cannot read alerts.yaml"]);
  await look(TWO);
  deepStrictEqual(await look(TWO), ["two"]);
  await look(unreadable);
  deepStrictEqual(said, ["Cannot read alerts.yaml", TWO, "Cannot read alerts.yaml"]);
});
