/** PyIceberg counts exactly what was acknowledged, while the program is killed and after: through the catalog and from the files. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { exactSum, killScenario } from "../../kill_scenario.ts";
import { countPayments } from "../foreign_count.ts";

Deno.test("PyIceberg counts what was acknowledged after kill -9 at random moments, compaction running", async () => {
  const folder = await Deno.makeTempDir();
  const { acknowledged, program } = await killScenario({
    kills: Number(Deno.env.get("KILLS") ?? 8),
    lids: 2,
    senders: 6,
    seed: Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000),
    env: { DATA_DIR: folder, COMPACT_EVERY_MS: "300" },
  });
  try {
    const expected = [acknowledged.size, acknowledged.size, exactSum(acknowledged.values())];
    const found = await countPayments({ uri: `${program.url}/iceberg` });
    deepStrictEqual(found, { catalog: expected, files: expected });
    ok(acknowledged.size > 100);
    console.log(`${acknowledged.size} payments acknowledged and found`);
    const audit = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", "audit"],
      env: { DATA_DIR: folder },
    }).output();
    strictEqual(audit.code, 0, new TextDecoder().decode(audit.stdout));
  } finally {
    strictEqual(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  }
});
