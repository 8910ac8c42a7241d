/** Records in the log to visible rows (raw + transactions), both cores; reference: DuckDB's own NDJSON-to-Parquet with 2 threads. */
import { settled, startProgram } from "../program.ts";
import type { Bench } from "./bench.ts";
import { duckdbRate } from "./duckdb_landing.ts";
import { fillEmbeddedLog } from "./full_log.ts";
import { landingSeconds } from "./visible.ts";

const RECORDS = 300_000;

export const landingBench: Bench = {
  name: "landing",
  async run() {
    const folder = await Deno.makeTempDir();
    const text: string[] = [];
    const onLines = (lines: readonly string[]) => text.push(...lines);
    await fillEmbeddedLog(folder, { records: RECORDS, per_second: 1_000, onLines });
    const reference = await duckdbRate(folder, text);
    const program = await startProgram({ env: { DATA_DIR: folder, LOG_LEVEL: "debug" } });
    const seconds = await landingSeconds(program, program, RECORDS);
    await settled(program.url);
    await program.kill();
    await Deno.remove(folder, { recursive: true });
    return [{
      what: "log to visible rows, from the first claim of an owner",
      value: RECORDS / seconds,
      unit: "records/s",
      reference: { what: "DuckDB NDJSON to Parquet, 2 threads", value: reference },
      must: 0.06,
      goal: 0.12,
    }];
  },
};
