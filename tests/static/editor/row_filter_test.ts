import assert from "node:assert/strict";
import fc from "fast-check";
import type { Rows } from "../../../static/engine/result.ts";
import { cellText } from "../../../static/engine/values.ts";
import { rowFilter } from "../../../static/editor/row_filter.ts";
import { filteredOrder, sortedOrder } from "../../../static/shared/ordering.ts";

const DATA: (string | number | null)[][] = [["Berlin", 5, null], ["New York", 12, "x"], ["bern", 100, "y"], [
  "Rome",
  null,
  "berlin",
]];
const ROWS: Rows = {
  columns: [{ name: "city", type: "VARCHAR", kind: "text" }, { name: "n", type: "INTEGER", kind: "number" }, {
    name: "note",
    type: "VARCHAR",
    kind: "text",
  }],
  rowCount: DATA.length,
  truncated: false,
  cell: (row, column) => DATA[row][column],
  text: (row, column) => {
    const cell = DATA[row][column];
    return cell === null ? null : cellText(cell);
  },
};
const found = (text: string) => {
  const test = rowFilter(text, ROWS);
  return DATA.flatMap((row, at) => test === null || test(at) ? [row[0]] : []);
};

Deno.test("`rowFilter` finds words anywhere, in a column, and compares", () => {
  assert.deepEqual(found("berlin"), ["Berlin", "Rome"]);
  assert.deepEqual(found("city:ber n>4"), ["Berlin", "bern"]);
  assert.deepEqual(found("n>=12"), ["New York", "bern"]);
  assert.deepEqual(found("n<12"), ["Berlin"]);
  assert.deepEqual(found("note=null"), ["Berlin"]);
  assert.deepEqual(found("note!=null n!=12"), ["bern"]);
  assert.deepEqual(found('"new york"'), ["New York"]);
  assert.deepEqual(found('city="new york"'), ["New York"]);
  assert.deepEqual(found("unknown:5"), []);
  assert.equal(rowFilter("  ", ROWS), null);
});

Deno.test("`sortedOrder` sorts by any key, nulls last, equal ones as they came", async () => {
  const never = new AbortController().signal;
  const key = fc.option(fc.integer({ min: 0, max: 9 }), { nil: null });
  await fc.assert(fc.asyncProperty(fc.array(key), fc.boolean(), async (keys, isDescending) => {
    const order = await sortedOrder(
      { rowCount: keys.length, key: (row) => keys[row] },
      null,
      isDescending,
      never,
    );
    const expected = keys.map((one, row) => ({ one, row })).sort((a, b) => {
      if (a.one === null || b.one === null) {
        return (a.one === null ? 1 : 0) - (b.one === null ? 1 : 0) || a.row - b.row;
      }
      return (isDescending ? b.one - a.one : a.one - b.one) || a.row - b.row;
    });
    assert.deepEqual([...order], expected.map((one) => one.row));
  }));
});

Deno.test("`filteredOrder` ends when it is aborted", async () => {
  const stop = new AbortController();
  const running = filteredOrder(200_000, () => true, stop.signal);
  stop.abort();
  await assert.rejects(running);
});
