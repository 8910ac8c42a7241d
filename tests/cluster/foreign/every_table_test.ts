/** PyIceberg and DuckDB read every table of a lake that was used, now and in the past, and see the same rows. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { runPython } from "../python.ts";
import { BY_DUCKDB, BY_PYICEBERG, withUsedLake } from "./every_table.ts";

type Digests = Record<"catalog" | "files", [number, string][]>;

Deno.test("PyIceberg and DuckDB see the same rows of every table, by catalog and by file, now and then", () =>
  withUsedLake(async (lake) => {
    const pyiceberg = await runPython(BY_PYICEBERG, lake) as Digests;
    const duckdb = await runPython(BY_DUCKDB, lake) as Digests;
    const told = (digests: Digests["catalog"]) =>
      lake.readings.map(({ table, snapshot }, i) =>
        `${table} at ${snapshot ?? "now"}: ${digests[i].join(" rows ")}`
      );
    for (const other of [pyiceberg.files, duckdb.catalog, duckdb.files]) {
      deepStrictEqual(told(other), told(pyiceberg.catalog));
    }
    const filled = lake.readings.filter((_one, i) => pyiceberg.catalog[i][0] > 0).map(({ table }) => table);
    for (
      const table of ["raw.events", "processed.transactions", "processed.clickstream", "analytics.alerts"]
    ) {
      ok(filled.includes(table), `${table} is empty`);
    }
  }));
