/** The process whose memory is looked at: compacts one table in a folder, and tells its seconds and its highest memory. */
import { openParquetWriter } from "../../lib/parquet/writer.ts";
import { OneTable } from "../lake/one_table.ts";
import { secondsOf } from "./bench.ts";
import { MEMORY_BYTES, THREADS, TRANSACTIONS } from "./compaction_table.ts";

const [folder] = Deno.args;
const temp_directory = await Deno.makeTempDir();
await using writer = await openParquetWriter({
  memory_bytes: MEMORY_BYTES,
  threads: THREADS,
  temp_directory,
});
const table = await OneTable.open(TRANSACTIONS, writer, folder);
let peak_bytes = 0;
const timer = setInterval(() => peak_bytes = Math.max(peak_bytes, Deno.memoryUsage().rss), 10);
const seconds = await secondsOf(() => table.compact());
clearInterval(timer);
await Deno.remove(temp_directory, { recursive: true });
console.log(JSON.stringify({ seconds, peak_bytes }));
