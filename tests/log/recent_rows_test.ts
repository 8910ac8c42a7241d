import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { RecentRows } from "../../lib/log/recent_rows.ts";

const row = (bytes: number) => ({ bytes: new Uint8Array(bytes) });

Deno.test("RecentRows keeps so many bytes of rows, and lets go of the first that came", () => {
  const recent = new RecentRows<{ bytes: Uint8Array }>(10);
  const rows = [row(4), row(4), row(2), row(3)];
  rows.forEach((one, number) => recent.put(number, one));
  deepStrictEqual([0, 1, 2, 3].map((number) => recent.get(number) === rows[number]), [
    false,
    true,
    true,
    true,
  ]);
  recent.put(4, row(8));
  deepStrictEqual([1, 2, 3, 4].filter((number) => recent.get(number)), [4]);
});

Deno.test("RecentRows does not keep a row that is larger than all of it", () => {
  const recent = new RecentRows<{ bytes: Uint8Array }>(10);
  const small = row(9);
  recent.put(1, small);
  recent.put(2, row(11));
  strictEqual(recent.get(1), small);
  strictEqual(recent.get(2), undefined);
});
