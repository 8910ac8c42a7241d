/** The reference of landing: DuckDB's own NDJSON-to-Parquet with 2 threads, in rows a second. */
import { DuckDBInstance } from "@duckdb/node-api";

export async function duckdbRate(folder: string, lines: readonly string[]): Promise<number> {
  await Deno.writeTextFile(`${folder}/reference.ndjson`, lines.join("\n"));
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
  return lines.length / seconds;
}
