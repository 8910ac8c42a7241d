import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { quickFolder } from "../quick_folder.ts";
import { replayContract } from "./replay_contract.ts";

replayContract("sqlite_log", async (use) => {
  const folder = await quickFolder();
  {
    await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
    await use(log);
  }
  await Deno.remove(folder, { recursive: true });
});
