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

Deno.test("`rowFilter` compares numbers by all of their digits, and times however they are written", () => {
  const cells = [["9007199254740992", "0.10", "2026-01-31 08:00:00"], [
    "9007199254740993",
    "0.1000000000000000055",
    "2026-01-31 10:00:00",
  ], ["NaN", "-2", "2026-02-01 00:00:00"]];
  const kinds = ["number", "number", "time"] as const;
  const rows: Rows = {
    columns: ["id", "price", "at"].map((name, at) => ({ name, type: "", kind: kinds[at] })),
    rowCount: cells.length,
    truncated: false,
    cell: (row, column) => cells[row][column],
    text: (row, column) => cells[row][column],
  };
  const kept = (text: string) => cells.flatMap((_, row) => rowFilter(text, rows)?.(row) ? [row] : []);
  assert.deepEqual(kept("id=9007199254740993"), [1]);
  assert.deepEqual(kept("id>9007199254740992"), [1, 2]);
  assert.deepEqual(kept("id!=9007199254740992"), [1, 2]);
  assert.deepEqual(kept("price>0.1"), [1]);
  assert.deepEqual(kept("price=.1"), [0, 1]);
  assert.deepEqual(kept("price<=0.1 id>1"), [0, 2]);
  assert.deepEqual(kept("at>2026-01-31T09:30"), [1, 2]);
  assert.deepEqual(kept("at<=2026-01-31T08:00:00Z"), [0]);
});

Deno.test("`sortedOrder` puts NaN above every number", async () => {
  const values = [3, NaN, 1, null, Infinity, NaN, 2];
  const column = { rowCount: values.length, key: (row: number) => values[row] };
  const { signal } = new AbortController();
  const sorted = async (isDescending: boolean) => [...await sortedOrder(column, null, isDescending, signal)];
  assert.deepEqual(await sorted(false), [2, 6, 0, 4, 1, 5, 3]);
  assert.deepEqual(await sorted(true), [1, 5, 4, 0, 6, 2, 3]);
});
