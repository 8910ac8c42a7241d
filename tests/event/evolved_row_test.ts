/** Rows in the shape of a changed table, and which values become cells of an added column. */
import { deepStrictEqual } from "node:assert/strict";
import { cellOf } from "../../lib/event/cell.ts";
import type { Row } from "../../lib/event/column.ts";
import { type ColumnChange, retiredNames } from "../../lib/event/column_change.ts";
import { COMMON_COLUMNS } from "../../lib/event/common_columns.ts";
import { rowShape } from "../../lib/event/evolved_row.ts";
import { parseJson } from "../../lib/event/json_text.ts";
import { defineKind, type Kind, type MutableRow } from "../../lib/event/kind.ts";

const KIND = defineKind({
  name: "order",
  table: "orders",
  doc: "An order.",
  partition: ["who"],
  fields: [{ name: "who", type: "id", doc: "Who." }, {
    name: "note",
    type: "text",
    doc: "Note.",
    optional: true,
  }],
  example: {},
});

const add = (name: string, type: string): ColumnChange => ({ change: "add", column: { name, type } });
const rename = (name: string, to: string): ColumnChange => ({ change: "rename", name, to });
const drop = (name: string): ColumnChange => ({ change: "drop", name });

/** The own columns and `extra` of an event's row under the changes. */
function shaped(fields: string, ...changes: ColumnChange[]): Row {
  const parsed = parseJson(`{"event_id":"e","timestamp":0,"who":"w",${fields}}`);
  const checked = KIND.check(parsed.ok && parsed.value);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const { late: _l, ...row } = changed(KIND, changes, { late: false, ...checked.event.cells });
  return row;
}

/** What the table has of a row that was filled, without the columns of every kind that it lacks. */
function changed(kind: Kind, changes: readonly ColumnChange[], row: MutableRow): Row {
  const shape = rowShape(kind, changes);
  shape.fill(row);
  return Object.fromEntries(
    Object.entries(shape.table(row)).filter(([name]) =>
      name in row || !COMMON_COLUMNS.some((one) => one.name === name)
    ),
  );
}

Deno.test("an added column takes the field of its name, which leaves `extra`", () => {
  const tier = add("tier", "string");
  deepStrictEqual(shaped(`"tier":"gold","z":[1]`, tier), {
    who: "w",
    note: null,
    tier: "gold",
    extra: `{"z":[1]}`,
  });
  deepStrictEqual(shaped(`"tier":"gold"`, tier), { who: "w", note: null, tier: "gold", extra: null });
  deepStrictEqual(shaped(`"tier":null`, tier), { who: "w", note: null, tier: null, extra: null });
  const long = shaped(`"n":12345678901234567890.5,"__proto__":1,"tier":"x"`, tier);
  deepStrictEqual(long.extra, `{"n":12345678901234567890.5,"__proto__":1}`);
});

Deno.test("what is no value of the column's type stays in `extra`", () => {
  deepStrictEqual(shaped(`"n":"many"`, add("n", "int")), {
    who: "w",
    note: null,
    n: null,
    extra: `{"n":"many"}`,
  });
});

Deno.test("a renamed column keeps its field, and takes the one of its new name", () => {
  const changes = [add("tier", "string"), rename("tier", "level")];
  for (const name of ["tier", "level"]) {
    deepStrictEqual(shaped(`"${name}":"gold"`, ...changes), {
      who: "w",
      note: null,
      level: "gold",
      extra: null,
    });
  }
  deepStrictEqual(shaped(`"tier":"old","level":"new"`, ...changes).extra, `{"tier":"old"}`);
  deepStrictEqual(shaped(`"note":"n"`, rename("note", "remark")), { who: "w", remark: "n", extra: null });
  deepStrictEqual(shaped(`"remark":"n"`, rename("note", "remark")), { who: "w", remark: "n", extra: null });
});

Deno.test("a dropped column is gone; an added one's field is unknown again, a declared one comes back with its name", () => {
  deepStrictEqual(shaped(`"note":"n"`, drop("note")), { who: "w", extra: null });
  deepStrictEqual(shaped(`"tier":1`, add("tier", "int"), drop("tier")), {
    who: "w",
    note: null,
    extra: `{"tier":1}`,
  });
  deepStrictEqual(shaped(`"note":"n"`, drop("note"), add("note", "string")), {
    who: "w",
    note: "n",
    extra: null,
  });
});

Deno.test("a column that the kind came to declare after it was added is filled by the kind", () => {
  const kind = defineKind({
    name: "k",
    table: "k",
    doc: "K.",
    partition: [],
    fields: [{ name: "tier", type: "text", doc: "Tier." }],
    example: {},
  });
  deepStrictEqual(changed(kind, [add("tier", "string")], { tier: "gold", extra: null }).tier, "gold");
});

Deno.test("`retiredNames` are names that no column has any more", () => {
  deepStrictEqual([...retiredNames([rename("note", "remark"), drop("who"), add("who", "string")])], ["note"]);
});

Deno.test("`cellOf` takes what is a value of the type, and rounds nothing", () => {
  const cases: [string, string, unknown][] = [
    ["string", `"a"`, "a"],
    ["string", `{"a":[1]}`, `{"a":[1]}`],
    ["string", `9007199254740993`, "9007199254740993"],
    ["boolean", `true`, true],
    ["boolean", `"true"`, undefined],
    ["int", `2147483647`, 2147483647],
    ["int", `2147483648`, undefined],
    ["int", `1.5`, undefined],
    ["int", `5.0`, 5],
    ["int", `"5"`, undefined],
    ["long", `1e2`, 100],
    ["long", `9007199254740993`, "9007199254740993"],
    ["long", `-9223372036854775808`, "-9223372036854775808"],
    ["long", `9223372036854775808`, undefined],
    ["double", `1.5`, 1.5],
    ["double", `1e400`, undefined],
    ["timestamp", `"2026-01-31T10:30:00+01:00"`, "2026-01-31T09:30:00.000"],
    ["timestamp", `"yesterday"`, undefined],
    ["decimal(5, 2)", `1.5`, "1.50"],
    ["decimal(5, 2)", `"-0.07"`, "-0.07"],
    ["decimal(5, 2)", `0`, "0.00"],
    ["decimal(5, 2)", `1.005`, undefined],
    ["decimal(5, 2)", `1000`, undefined],
    ["decimal(20, 0)", `12345678901234567890`, "12345678901234567890"],
    ["long", `null`, null],
  ];
  for (const [type, text, expected] of cases) {
    const parsed = parseJson(text);
    deepStrictEqual(cellOf(type, parsed.ok && parsed.value), expected, `${text} as ${type}`);
  }
});
