/** The filter language of windows and rules. */
import assert from "node:assert/strict";
import type { Cell } from "../../lib/event/column.ts";
import { predicate, Where } from "../../lib/stream/where.ts";

function holds(where: unknown, row: Record<string, Cell>): boolean {
  return predicate(Where.parse(where))(row);
}

Deno.test("plain values, lists and comparisons", () => {
  const row = { status: "failed", amount: "1000.5000", count: 3, bot: false, note: null };
  assert.ok(holds({}, row));
  assert.ok(holds({ status: "failed", count: 3 }, row));
  assert.ok(!holds({ status: "failed", count: 4 }, row));
  assert.ok(holds({ status: ["completed", "failed"] }, row));
  assert.ok(holds({ amount: { above: 1000, at_most: 1000.5 } }, row));
  assert.ok(!holds({ amount: { above: 1000.5 } }, row));
  assert.ok(holds({ amount: 1000.5, bot: false, note: null }, row));
  assert.ok(holds({ amount: { at_least: 1000.5, below: 1000.6 } }, row));
});

Deno.test("absent values: no comparison holds, `not` and `present: false` do", () => {
  const rows: Record<string, Cell>[] = [{ amount: null }, {}];
  for (const row of rows) {
    assert.ok(!holds({ amount: { above: -1e9 } }, row));
    assert.ok(!holds({ amount: { below: 1e9 } }, row));
    assert.ok(holds({ amount: { not: 5 } }, row));
    assert.ok(holds({ amount: { present: false } }, row));
    assert.ok(holds({ amount: null }, row));
  }
  assert.ok(!holds({ amount: { not: [5, 6] } }, { amount: "5.0000" }));
});

Deno.test("of `any`, one must hold, beside all others", () => {
  const where = { any: [{ status: "failed" }, { amount: { above: 5 } }], country: "DE" };
  assert.ok(holds(where, { status: "failed", amount: "1.0000", country: "DE" }));
  assert.ok(holds(where, { status: "completed", amount: "6.0000", country: "DE" }));
  assert.ok(!holds(where, { status: "completed", amount: "1.0000", country: "DE" }));
  assert.ok(!holds(where, { status: "failed", amount: "1.0000", country: "FR" }));
});

Deno.test("what says nothing or is no filter is refused", () => {
  for (
    const where of [{ a: {} }, { a: { abve: 1 } }, { a: [] }, { any: [] }, { any: "x" }, { a: [{ b: 1 }] }, {
      a: [[1]],
    }]
  ) {
    assert.equal(Where.safeParse(where).success, false, JSON.stringify(where));
  }
});

Deno.test("names that every object inherits are only names", () => {
  assert.ok(!holds({ constructor: { present: true } }, Object.assign(Object.create(null), { a: 1 })));
  assert.ok(holds({ toString: "x" }, Object.fromEntries([["toString", "x"]])));
});
