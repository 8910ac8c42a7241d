/** Records in the log to visible rows (raw + transactions), both cores; reference: DuckDB's own NDJSON-to-Parquet with 2 threads. */
import { DuckDBInstance } from "@duckdb/node-api";
import { settled, startProgram } from "../program.ts";
import type { Bench } from "./bench.ts";
import { fillLog } from "./full_log.ts";

const RECORDS = 300_000;

export const landingBench: Bench = {
  name: "landing",
  async run() {
    const folder = await Deno.makeTempDir();
    await fill(folder);
    const reference = await duckdbRate(folder);
    const began = performance.now();
    const program = await startProgram({ env: { DATA_DIR: folder } });
    await settled(program.url);
    const seconds = (performance.now() - began) / 1000;
    await program.kill();
    await Deno.remove(folder, { recursive: true });
    return [{
      what: "log to visible rows, start of the program included",
      value: RECORDS / seconds,
      unit: "records/s",
      reference: { what: "DuckDB NDJSON to Parquet, 2 threads", value: reference },
      must: 0.06,
      goal: 0.12,
    }];
  },
};

async function fill(folder: string): Promise<void> {
  const text: string[] = [];
  await fillLog(folder, { records: RECORDS, per_second: 1_000, onLines: (lines) => text.push(...lines) });
  await Deno.writeTextFile(`${folder}/reference.ndjson`, text.join("\n"));
}

async function duckdbRate(folder: string): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  const began = performance.now();
  await connection.run(
    `COPY (SELECT * FROM read_json('${folder}/reference.ndjson', format = 'newline_delimited'))
     TO '${folder}/reference.parquet' (FORMAT parquet, COMPRESSION zstd)`,
  );
  const seconds = (performance.now() - began) / 1000;
  connection.closeSync();
  instance.closeSync();
  return RECORDS / seconds;
}
