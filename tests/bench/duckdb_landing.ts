/** The reference of landing: DuckDB's own NDJSON-to-Parquet with 2 threads, in rows a second; the middle of three. */
import { DuckDBInstance } from "@duckdb/node-api";
import { median, secondsOf } from "./bench.ts";

const RUNS = 3;

export async function duckdbRate(folder: string, lines: readonly string[]): Promise<number> {
  await Deno.writeTextFile(`${folder}/reference.ndjson`, lines.join("\n"));
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  const seconds: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    seconds.push(
      await secondsOf(() =>
        connection.run(
          `COPY (SELECT * FROM read_json('${folder}/reference.ndjson', format = 'newline_delimited'))
           TO '${folder}/reference.parquet' (FORMAT parquet, COMPRESSION zstd)`,
        )
      ),
    );
  }
  connection.closeSync();
  instance.closeSync();
  return lines.length / median(seconds);
}
