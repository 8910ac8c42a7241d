/** PyIceberg counts exactly what was acknowledged, while the program is killed and after: through the catalog and from the files. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { exactSum, type KillOutcome, killScenario } from "../../kill_scenario.ts";
import { countPayments } from "../foreign_count.ts";

async function assertCounted({ acknowledged, program }: KillOutcome): Promise<void> {
  const expected = [acknowledged.size, acknowledged.size, exactSum(acknowledged.values())];
  const found = await countPayments({ uri: `${program.url}/iceberg` });
  deepStrictEqual(found, { catalog: expected, files: expected });
}

const kills = Number(Deno.env.get("KILLS") ?? 8);

for (const compacts of [true, false]) {
  // Without compaction only at length: the soak asks for more kills.
  if (!compacts && kills < 20) continue;
  const how = compacts ? "compaction running" : "without compaction";
  Deno.test(`PyIceberg counts what was acknowledged, between kills at random moments and after them, ${how}`, async () => {
    const folder = await Deno.makeTempDir();
    const { acknowledged, program } = await killScenario({
      kills,
      lids: 2,
      senders: 6,
      seed: Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000),
      env: { DATA_DIR: folder, COMPACT_EVERY_MS: compacts ? "300" : "86400000" },
      every: 4,
      check: assertCounted,
    });
    try {
      await assertCounted({ acknowledged, program, status: {} });
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
}
