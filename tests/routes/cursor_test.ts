/** A cursor goes on with the list that it was given for, and with no other. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { sha256Hex } from "../../lib/event/content_hash.ts";
import { ROUTES } from "../../routes/openapi.ts";
import { alert, id } from "./alert_rows.ts";
import { type Asked, asked } from "./asked.ts";

/** Two items at least for every route that gives lists in pieces. */
async function twoOfAll(): Promise<Asked> {
  const test = await asked();
  const paid = { user_id: "event", amount: "10.0000", status: "completed" };
  await test.tables.insert("processed.transactions", [
    { ...paid, event_time: "2027-01-10T10:00:00.000", currency: "EUR", merchant_id: "m1" },
    { ...paid, event_time: "2027-01-11T10:00:00.000", currency: "EUR", merchant_id: "m2" },
  ]);
  await test.tables.insert("analytics.alerts", [alert(3), alert(4)]);
  const letters = [1, 2].map((n) => ({
    dead_letter_id: id(n),
    reason: "schema",
    source: "shop",
    received_at: `2027-01-1${n}T10:00:00.000`,
  }));
  await test.tables.insert("processed.dead_letters", letters);
  return test;
}

const PATHS = ROUTES.filter(({ parameters = [] }) => parameters.some(({ name }) => name === "cursor"))
  .map(({ path }) => path.replace("{id}", "event").replace("{name}", "processed.transactions"));

/** The first piece of each list, which is one item. */
async function firstPieces(test: Asked): Promise<Map<string, { items: unknown[]; cursor: string }>> {
  const pieces = new Map();
  for (const path of PATHS) pieces.set(path, (await test.get(`${path}?limit=1`)).body);
  return pieces;
}

/** What asking with a cursor gives: 400 that names it, or a piece. */
async function refusal(test: Asked, path: string, cursor: string, filters = ""): Promise<void> {
  const { status, body } = await test.get(`${path}?${filters}limit=1&cursor=${encodeURIComponent(cursor)}`);
  deepEqual([status, body.errors?.[0]?.field], [400, "cursor"], `${path} ${cursor}`);
  match(body.detail, /^Cannot read cursor: it must be a cursor from an earlier answer/);
}

Deno.test("every list goes on where its cursor says, and takes it whatever the limit is", async () => {
  using test = await twoOfAll();
  equal(PATHS.length, 9);
  for (const [path, { items, cursor }] of await firstPieces(test)) {
    ok(cursor, path);
    const { status, body } = await test.get(`${path}?limit=1000&cursor=${cursor}`);
    const whole = (await test.get(`${path}?limit=1000`)).body;
    deepEqual([status, [...items, ...body.items], body.cursor], [200, whole.items, null], path);
  }
});

Deno.test("every list refuses a cursor of another list, a changed one and nonsense", async () => {
  using test = await twoOfAll();
  const pieces = await firstPieces(test);
  for (const [path, { cursor }] of pieces) {
    for (const [other, piece] of pieces) if (other !== path) await refusal(test, path, piece.cursor);
    await refusal(test, path, cursor, "rule=other&");
    const at = cursor.length >> 1;
    const changed = cursor.slice(0, at) + (cursor[at] === "A" ? "B" : "A") + cursor.slice(at + 1);
    for (const one of [changed, `${cursor}A`, `${cursor}=`, `!${cursor}`, cursor.slice(0, -1)]) {
      await refusal(test, path, one);
    }
    for (const one of ["nonsense", "\0", "W10", "bnVsbA", "é".repeat(500)]) await refusal(test, path, one);
  }
});

Deno.test("a cursor that somebody sealed is looked at all the same", async () => {
  using test = await twoOfAll();
  const sealed = (path: string, key: string[]) => {
    const seal = sha256Hex(JSON.stringify([JSON.stringify([path, []]), key])).slice(0, 16);
    return btoa(JSON.stringify([seal, ...key])).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  };
  const [, { cursor }] = [...await firstPieces(test)].find(([path]) => path === "/api/alerts")!;
  equal(sealed("/api/alerts", ["2027-01-14T10:00:00.123456Z", id(4)]), cursor);
  for (const time of ["2027-02-30T10:00:00Z", "2027-01-14", "x' OR true --", "", "99999-01-01T00:00:00Z"]) {
    await refusal(test, "/api/alerts", sealed("/api/alerts", [time, id(4)]));
  }
  await refusal(test, "/api/merchants/top", sealed("/api/merchants/top", ["1; DROP"]));
  await refusal(test, "/api/users/event/trends", sealed("/api/users/event/trends", ["2027-02-30", "EUR"]));
});
