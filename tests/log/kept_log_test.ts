/** The door's log under the contract of its port, and what can become of its keeper thread. */
import { openKeptLog } from "../../lib/log/kept_log.ts";
import { logContract } from "../contracts/log_contract.ts";

const KEEPER = new URL("../../workers/log_keeper.ts", import.meta.url);

logContract("kept_log", async () => {
  const directory = await Deno.makeTempDir();
  return {
    open: () => openKeptLog({ directory, partitions: 3, worker_url: KEEPER }),
    partitions: 3,
    too_large_bytes: 9 * 1024 * 1024,
    drop: (log, topic, partition, offset) => log.trim(topic, partition, offset),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
});
