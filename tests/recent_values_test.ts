import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { RecentValues } from "../lib/recent_values.ts";

const held = (recent: RecentValues<string, number>, keys: string) =>
  [...keys].filter((key) => recent.get(key) !== undefined).join("");

Deno.test("RecentValues keeps so many bytes, and lets go of what nobody asked for longest", () => {
  const recent = new RecentValues<string, number>(10);
  recent.put("a", 1, 4);
  recent.put("b", 2, 4);
  recent.put("c", 3, 2);
  strictEqual(recent.get("a"), 1);
  recent.put("d", 4, 3);
  strictEqual(held(recent, "abcd"), "acd");
  recent.put("e", 5, 9);
  strictEqual(held(recent, "abcde"), "e");
  recent.put("f", 6, 1);
  deepStrictEqual([recent.get("e"), recent.get("f")], [5, 6]);
});

Deno.test("RecentValues keeps the last value however large, and counts a key once", () => {
  const recent = new RecentValues<string, number>(10);
  recent.put("a", 1, 10);
  recent.put("large", 2, 11);
  strictEqual(held(recent, "al"), "");
  strictEqual(recent.get("large"), 2);
  recent.put("b", 3, 10);
  strictEqual(recent.get("large"), undefined);
  for (let times = 0; times < 3; times++) recent.put("b", 3, 10);
  strictEqual(recent.get("b"), 3);
});
