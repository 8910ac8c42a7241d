/** 200 files of 5,000 transactions become one sorted file; reference: DuckDB's own COPY with the same order, threads and memory. */
import { DuckDBInstance } from "@duckdb/node-api";
import { timestampCell } from "../../lib/event/timestamp.ts";
import { quoteList, quoteName } from "../../lib/parquet/duckdb_type.ts";
import { openParquetWriter } from "../../lib/parquet/writer.ts";
import { OneTable } from "../lake/one_table.ts";
import { START } from "../lake/small_lake.ts";
import { type Bench, median, secondsOf, transactionLine } from "./bench.ts";
import { MEMORY_BYTES, THREADS, TRANSACTIONS } from "./compaction_table.ts";

const FILES = 200;
const ROWS_A_FILE = 5_000;
const MUST_BE_BELOW_BYTES = 1_000_000_000;
const ROUNDS = 3;
const DAY_MS = 86_400_000;
const PROCESS = new URL("compaction_process.ts", import.meta.url);

export const compactionBench: Bench = {
  name: "compaction",
  async run() {
    const ours: number[] = [];
    const reference: number[] = [];
    let peak_bytes = 0;
    let files_after = 0;
    let bytes_after = 0;
    const temp_directory = await Deno.makeTempDir();
    await using writer = await openParquetWriter({
      memory_bytes: MEMORY_BYTES,
      threads: THREADS,
      temp_directory,
    });
    await using table = await OneTable.open(TRANSACTIONS, writer);
    for (let file = 0; file < FILES; file++) await table.add(rowsOf(file));
    for (let round = 0; round < ROUNDS; round++) {
      await using copy = await table.copy();
      const found = await compactElsewhere(copy.folder);
      ours.push(found.seconds);
      peak_bytes = Math.max(peak_bytes, found.peak_bytes);
      const after = await copy.files();
      files_after = after.length;
      bytes_after = after.reduce((sum, file) => sum + file.size_bytes, 0);
      reference.push(await duckdbSeconds(await table.paths(), temp_directory));
    }
    await Deno.remove(temp_directory, { recursive: true });
    const rows = FILES * ROWS_A_FILE;
    return [
      {
        what: "compaction, checked and committed",
        value: rows / median(ours),
        unit: "rows/s",
        reference: { what: "DuckDB COPY", value: rows / median(reference) },
        must: 0.4,
        goal: 0.6,
      },
      {
        what: "memory of the process at its highest",
        value: peak_bytes / 1e6,
        unit: "MB",
        must: MUST_BE_BELOW_BYTES / 1e6,
        smaller: true,
      },
      {
        what: "live files after compaction caught up",
        value: files_after,
        unit: "files",
        must: 8 + bytes_after / (128 * 1024 * 1024),
        smaller: true,
      },
    ];
  },
};

/** As they come: in the order of the log, all users mixed. */
function rowsOf(file: number) {
  return Array.from({ length: ROWS_A_FILE }, (_row, i) => {
    const log_offset = file * ROWS_A_FILE + i;
    const time = START - (START % DAY_MS) + log_offset % DAY_MS;
    const { timestamp: _, note, ...fields } = JSON.parse(transactionLine(log_offset, time));
    return {
      source: "token",
      log_partition: 0,
      log_offset,
      event_time: timestampCell(time),
      received_at: timestampCell(time),
      late: false,
      schema_version: 0,
      extra: JSON.stringify({ note }),
      ...fields,
      user_txn_count: log_offset % 1000,
      z_score: (log_offset % 777) / 100,
      is_anomaly: false,
    };
  });
}

async function compactElsewhere(folder: string): Promise<{ seconds: number; peak_bytes: number }> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROCESS.pathname, folder],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

async function duckdbSeconds(paths: readonly string[], temp_directory: string): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(THREADS),
    memory_limit: `${MEMORY_BYTES}B`,
    temp_directory,
  });
  const connection = await instance.connect();
  const order = TRANSACTIONS.order_by.map(quoteName).join(", ");
  const target = `${temp_directory}/reference.parquet`;
  const seconds = await secondsOf(() =>
    connection.run(
      `COPY (SELECT * FROM read_parquet(${quoteList(paths)}) ORDER BY ${order})
       TO '${target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 500000)`,
    )
  );
  connection.closeSync();
  instance.closeSync();
  return seconds;
}
