/** The views over revisions, run by the engine that serves them: partitions are brought together as if there were one. */
import assert from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import type { Column, ColumnType, Row } from "../../lib/event/column.ts";
import type { StreamEvent } from "../../lib/stream/operator.ts";
import { type WindowDefinition } from "../../lib/stream/window_definition.ts";
import { windowColumns, windowViewSql } from "../../lib/stream/window_table.ts";
import { batchWindows } from "./batch_windows.ts";
import {
  CLOSE_ALL,
  KINDS,
  randomRecords,
  run,
  SHIPPED,
  streamEvent,
  type TestRecord,
  WINDOWS,
} from "./stream_case.ts";

function sqlType(type: ColumnType): string {
  if (type === "long") return "BIGINT";
  if (type === "string") return "VARCHAR";
  if (typeof type === "string") return type;
  if ("list" in type) return `${sqlType(type.list)}[]`;
  if ("map" in type) return `MAP(VARCHAR, ${sqlType(type.map)})`;
  return `STRUCT(${type.struct.map(({ name, type }) => `"${name}" ${sqlType(type)}`).join(", ")})`;
}

/** The rows of a view over the revisions, as JSON values. */
async function viewRows(window: WindowDefinition, columns: readonly Column[], rows: readonly Row[]) {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await Deno.writeTextFile(file, rows.map((row) => JSON.stringify(row)).join("\n"));
    const types = columns.map(({ name, type }) => `'${name}': '${sqlType(type)}'`).join(", ");
    await connection.run(
      `CREATE TABLE revisions AS FROM read_json('${file}', format = 'newline_delimited', columns = {${types}})`,
    );
    const sql = windowViewSql(window, KINDS.get(window.over)!, "revisions");
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
    await Deno.remove(file);
  }
}

/** Both sides in one form: what a view adds left out, times alike, numbers as text, `top` lists cut as the view does. */
function alike(row: Record<string, unknown>, window: WindowDefinition): string {
  const skipped = ["window_id", "log_partition", "revision", "is_final", "merged_into"];
  const cells = Object.entries(row).filter(([name]) =>
    !skipped.includes(name) && !/_(sum|count)$/.test(name) || name === "txn_count" || name === "event_count"
  );
  return JSON.stringify(
    cells.map(([name, cell]) => {
      const aggregate = window.aggregates[name];
      if (aggregate !== undefined && "top" in aggregate) {
        const list = (cell as { value: string; count: unknown }[]).slice(0, aggregate.limit ?? 10);
        return [name, list.map(({ value, count }) => `${value} ${count}`)];
      }
      if (typeof cell === "string" && /^\d{4}-\d\d-\d\d[T ]/.test(cell)) {
        return [name, Date.parse(cell.replace(" ", "T") + "Z")];
      }
      return [name, cell === null ? null : String(cell)];
    }).sort(([a], [b]) => String(a) < String(b) ? -1 : 1),
  );
}

const [sample] = fc.sample(
  fc.array(randomRecords, { minLength: 30, maxLength: 30 }).map((all) => all.flat()),
  { seed: 7, numRuns: 1 },
);

/** Each user in one partition. */
function partitionOf(record: TestRecord): number {
  return "event" in record && record.event.row.user_id === "u1" ? 0 : 1;
}

const parts = [0, 1].map((partition) => {
  const own = sample.filter((record) => !("event" in record) || partitionOf(record) === partition);
  const records = [...SHIPPED, ...own, CLOSE_ALL];
  const { steps } = run(records, undefined, partition);
  const events = records.flatMap((record, offset): StreamEvent[] =>
    "event" in record && !steps[offset].accepted!.late ? [streamEvent(record.event, offset, partition)] : []
  );
  return { steps, events };
});

for (const window of WINDOWS.definitions) {
  Deno.test(`the view of ${window.name} shows a batch computation over all partitions`, async () => {
    const rows = parts.flatMap(({ steps }) => steps).flatMap(({ outputs }) => outputs)
      .filter(({ table }) => table === `analytics.${window.name}_revisions`).map(({ row }) => row);
    const shown = await viewRows(window, windowColumns(window, KINDS.get(window.over)!), rows);
    const expected = batchWindows(window, parts.flatMap(({ events }) => events));
    assert.ok(shown.length > 0);
    assert.deepEqual(
      shown.map((row) => alike(row, window)).sort(),
      expected.map((row) => alike(row, window)).sort(),
    );
  });
}
