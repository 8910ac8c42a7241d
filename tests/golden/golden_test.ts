/** Every golden case whole, resumed after every record, and through the embedded log with a checkpoint a record. */
import { openSqliteLog } from "../../lib/log/sqlite_log.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import { compare, goldenNames, readGolden, runInMemory, runOnLog } from "./golden_case.ts";

for (const name of goldenNames()) {
  const golden = readGolden(name);
  Deno.test(`${name}: whole`, () => compare(golden, runInMemory(golden, false)));
  Deno.test(`${name}: resumed after every record`, () => compare(golden, runInMemory(golden, true)));
  Deno.test(`${name}: on the embedded log, decided after every record`, async () => {
    const folder = await Deno.makeTempDir();
    {
      await using log = await openSqliteLog({ directory: `${folder}/log`, partitions: 1 });
      await using store = await openDiskStore(`${folder}/store`);
      compare(golden, await runOnLog(golden, log, store));
    }
    await Deno.remove(folder, { recursive: true });
  });
}
