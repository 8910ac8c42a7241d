/** The embedded log under the contract of its port, and what only a file can suffer. */
import { logContract } from "../contracts/log_contract.ts";
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";

logContract("sqlite_log", async () => {
  const directory = await Deno.makeTempDir();
  return {
    open: () => openSqliteLog({ directory, partitions: 3 }),
    partitions: 3,
    too_large_bytes: 9 * 1024 * 1024,
    drop: (log, topic, partition, offset) => log.trim(topic, partition, offset),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
});
