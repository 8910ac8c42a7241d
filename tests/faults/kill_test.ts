/** Kill -9 changes nothing: embedded log, disk store, compaction running, counted by the program's own query API. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { askedRows } from "../asked_rows.ts";
import { exactSum, killScenario } from "../kill_scenario.ts";

const QUESTION = `SELECT count(*) AS n, count(DISTINCT event_id) AS ids, sum(amount)::VARCHAR AS total
  FROM processed.transactions`;

Deno.test("kill -9 at random moments loses nothing and doubles nothing", async () => {
  const folder = await Deno.makeTempDir();
  const seed = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
  const { acknowledged, program, status } = await killScenario({
    kills: 5,
    lids: 2,
    senders: 6,
    seed,
    env: { DATA_DIR: folder, COMPACT_EVERY_MS: "300" },
  });
  try {
    const [[n, ids, total]] = await askedRows(program, QUESTION);
    deepStrictEqual([Number(n), Number(ids), total], [
      acknowledged.size,
      acknowledged.size,
      exactSum(acknowledged.values()),
    ]);
    const accounts = status.accounting as {
      source: string;
      rows: number;
      in_flight: number;
      holds: boolean;
    }[];
    const stripe = accounts.find((one) => one.source === "stripe");
    strictEqual(stripe?.rows, acknowledged.size);
    ok(accounts.every((one) => one.holds && one.in_flight === 0));
  } finally {
    strictEqual(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  }
});
