/** Spark sees the same rows of every table as PyIceberg: now, in the past, after changes of columns and compaction. */
import { deepStrictEqual } from "node:assert/strict";
import { BY_PYICEBERG, withUsedLake } from "../cluster/foreign/every_table.ts";
import { runPython } from "../cluster/python.ts";
import { runSpark } from "./spark.ts";

type Digests = { catalog: [number, string][] };

Deno.test("Spark and PyIceberg see the same rows of every table", () =>
  withUsedLake(async (lake) => {
    const spark = await runSpark({ ...lake }) as Digests;
    const pyiceberg = await runPython(BY_PYICEBERG, lake) as Digests;
    const told = ({ catalog }: Digests) =>
      lake.readings.map(({ table, snapshot }, i) => `${table} at ${snapshot}: ${catalog[i].join(" rows ")}`);
    deepStrictEqual(told(spark), told(pyiceberg));
  }));
