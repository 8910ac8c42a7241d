/** Records in the log to visible rows (raw + transactions), both cores; reference: DuckDB's own NDJSON-to-Parquet with 2 threads. */
import { DuckDBInstance } from "@duckdb/node-api";
import { partitionOf } from "../../lib/log/topics.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { settled, startProgram } from "../program.ts";
import { type Bench, transactionLine } from "./bench.ts";

const RECORDS = 300_000;
const PARTITIONS = 4;

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
  await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: PARTITIONS });
  const encoder = new TextEncoder();
  const headers = { source: "token", kind: "transaction", content_type: "application/json" };
  const text: string[] = [];
  for (let start = 0; start < RECORDS; start += 1_000) {
    const lines = Array.from(
      { length: 1_000 },
      (_, i) => transactionLine(start + i, Date.now() - RECORDS + start + i),
    );
    text.push(...lines);
    await log.append(
      "events",
      lines.map((line, i) => {
        const key = `user_${(start + i) % 5000}`;
        return {
          partition: partitionOf(key, PARTITIONS),
          key,
          value: encoder.encode(line),
          headers,
          received_at: Date.now(),
        };
      }),
    );
  }
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
