/**
 * No condition makes PyIceberg pass over a file that has a row for which it holds: values at the ends of their types and at
 * the cut of texts, a file for each, before and after changes of columns and compaction.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import type { Column, Row } from "../../../lib/event/column.ts";
import { evolveTable } from "../../../lib/lake/evolution.ts";
import type { TableSpec } from "../../../lib/lake/tables.ts";
import { OneTable } from "../../lake/one_table.ts";
import { withWriter } from "../../lake/small_lake.ts";
import { runPython } from "../python.ts";

const column = (name: string, type: Column["type"]): Column => ({ name, type, doc: `A ${name}.` });

const SPEC: TableSpec = {
  key: "processed.things",
  doc: "Things.",
  columns: [
    column("at", "timestamp"),
    column("text", "string"),
    column("money", "decimal(18, 4)"),
    column("whole", "int"),
    column("real", "double"),
    column("flag", "boolean"),
  ],
  day_column: "at",
  order_by: ["text"],
};

const HIGHEST = "\u{10ffff}";
const VALUES = {
  at: [
    ...["1970-01-01T00:00:00.000000", "1969-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"],
    ...["0001-01-01T00:00:00.000000", "2026-03-01T00:00:00.000000", "2026-03-01T23:59:59.999999", null],
  ],
  text: [
    ...["", "a".repeat(16), "a".repeat(17), "a".repeat(15) + HIGHEST + "x", HIGHEST.repeat(17)],
    ...["a".repeat(15) + "\ud7ffx", "\ufeffmark", "é".repeat(300), "z".repeat(300), "a\0b", "\\x41", null],
  ],
  money: ["-99999999999999.9999", "99999999999999.9999", "-0.0001", "0.0127", "0.0128", null],
  whole: [-(2 ** 31), 2 ** 31 - 1, -1, 0, null],
  real: [0, -1.7976931348623157e308, 5e-324, 0.1 + 0.2, null],
  flag: [true, false, null],
};
const ROWS = 14;

function row(i: number): Row {
  return Object.fromEntries(
    Object.entries(VALUES).map(([name, values]) => [name, values[i % values.length]]),
  );
}

/** Prints for each table which conditions lose rows, how many files were left to read, and how many there were. */
const PRUNE = `
import datetime, decimal, json, math, operator, sys
from pyiceberg.expressions import *
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.table import StaticTable
decimal.getcontext().prec = 40
def neighbours(value):
    if isinstance(value, bool):
        return []
    if isinstance(value, str):
        return [value[:15], value[:16], value[:16] + "x", value[:15] + "b"]
    if isinstance(value, int):
        return [one for one in (value - 1, value + 1) if -2**31 <= one < 2**31]
    if isinstance(value, float):
        return [math.nextafter(value, math.inf), math.nextafter(value, -math.inf)]
    if isinstance(value, decimal.Decimal):
        step = decimal.Decimal("0.0001")
        return [one for one in (value - step, value + step) if abs(one) < 10**14]
    step = datetime.timedelta(microseconds=1)
    return [value - step] if value > datetime.datetime.min else []
COMPARE = [(EqualTo, operator.eq), (NotEqualTo, operator.ne), (LessThan, operator.lt), (LessThanOrEqual, operator.le),
    (GreaterThan, operator.gt), (GreaterThanOrEqual, operator.ge)]
def conditions(name, values):
    yield IsNull(name), lambda cell: cell is None
    yield NotNull(name), lambda cell: cell is not None
    for value in {one for value in values for one in [value, *neighbours(value)]}:
        literal = value.isoformat() if isinstance(value, datetime.datetime) else value
        for expression, holds in COMPARE:
            yield expression(name, literal), lambda cell, holds=holds, value=value: cell is not None and holds(cell, value)
        if isinstance(value, str):
            yield StartsWith(name, value), lambda cell, value=value: cell is not None and cell.startswith(value)
def pruned(metadata):
    table = StaticTable.from_metadata(metadata)
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    files = {task.file.file_path: scan.to_table([task]).to_pylist() for task in table.scan().plan_files()}
    lost, kept, all = [], 0, 0
    for field in table.schema().fields:
        values = {row[field.name] for rows in files.values() for row in rows} - {None}
        for condition, holds in conditions(field.name, values):
            planned = {task.file.file_path for task in table.scan(row_filter=condition).plan_files()}
            kept, all = kept + len(planned), all + len(files)
            if any(holds(row[field.name]) for path in files.keys() - planned for row in files[path]):
                lost.append(str(condition))
    return {"rows": sum(map(len, files.values())), "lost": lost, "kept": kept, "all": all}
print(json.dumps([pruned(metadata) for metadata in json.loads(sys.argv[1])]))
`;

Deno.test("PyIceberg passes over no file that has a row it looks for", () =>
  withWriter(async (writer) => {
    await using table = await OneTable.open(SPEC, writer);
    for (let i = 0; i < ROWS; i++) await table.add([row(i)]);
    const metadata = [(await table.load()).metadata_location];
    const changes = [
      { change: "widen" as const, name: "whole", type: "long" },
      { change: "rename" as const, name: "text", to: "words" },
      { change: "drop" as const, name: "real" },
      { change: "add" as const, column: { name: "text", type: "double" } },
    ];
    const { catalog, store, clock } = table;
    await evolveTable({ catalog, store, now: () => clock.now() }, SPEC.key, changes);
    for (let i = 0; i < ROWS; i += 2) {
      const { text, real: _dropped, ...rest } = row(i);
      await table.add([{ ...rest, words: text, text: i / 3 }], changes.length);
    }
    metadata.push((await table.load()).metadata_location);
    await table.compact({ full: true });
    metadata.push((await table.load()).metadata_location);
    const answers = await runPython(PRUNE, metadata) as Record<"rows" | "kept" | "all" | "lost", unknown>[];
    deepStrictEqual(answers.map(({ rows, lost }) => [rows, lost]), [[ROWS, []], [ROWS * 1.5, []], [
      ROWS * 1.5,
      [],
    ]]);
    for (const { kept, all } of answers) ok(Number(kept) < Number(all), `${kept} of ${all} files were read`);
  }));
