/** The commands of the lake's upkeep beside a running cluster: a broker's log, a bucket's tables. */
import { match, strictEqual } from "node:assert/strict";
import { runCommand } from "../commands/run_command.ts";
import { settled } from "../program.ts";
import { Cluster, CLUSTER_TOKEN } from "./cluster.ts";

Deno.test("evolve, replay, compact, expire, collect and audit work beside a running cluster", async () => {
  // Rules that are put are written there.
  const CONFIG_DIR = await Deno.makeTempDir();
  await using cleaning = new AsyncDisposableStack();
  cleaning.defer(() => Deno.remove(CONFIG_DIR, { recursive: true }));
  await using cluster = await Cluster.start({ processes: 1, env: { CONFIG_DIR } });
  const env = { ...cluster.env, DATA_DIR: `${cluster.folder}/commands` };
  const command = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(args, env);
    strictEqual(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    return stdout.trim().split("\n").at(-1)!;
  };
  const send = async (kind: string, events: unknown) => {
    const answer = await fetch(`${cluster.url}/ingest/${kind}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${CLUSTER_TOKEN}` },
      body: JSON.stringify(events),
    });
    strictEqual(answer.status, 202, await answer.text());
    await settled(cluster.url, CLUSTER_TOKEN);
  };
  await send("transaction", payments("before"));
  match(await command("evolve", "transaction", "add", "tier", "int"), /told to 4 partitions/);
  // The edge asks the store which columns there are; what the process role sees is in the log.
  const rule = {
    name: "last",
    kind: "threshold",
    severity: "low",
    limit: 1,
    where: { tier: 19 },
    cool_down: 1,
  };
  const put = await fetch(`${cluster.url}/api/rules`, {
    method: "PUT",
    headers: { authorization: `Bearer ${CLUSTER_TOKEN}` },
    body: JSON.stringify({ rules: [rule] }),
  });
  strictEqual(put.status, 200, await put.text());
  await send("transaction", payments("after"));
  const raised = "SELECT rule, event_id FROM alerts WHERE rule = 'last'";
  strictEqual(await command("sql", raised, "--format", "csv"), "last,after-19");
  await send("event", payments("loose"));
  const replayed = await command("replay", "raw", "--kind", "transaction");
  match(replayed, /20 unmapped records, 20 appended/);
  match(await command("compact", "--full"), /^compact: /);
  match(await command("expire"), /^expire: /);
  match(await command("collect", "--dry-run"), /^collect: /);
  await settled(cluster.url, CLUSTER_TOKEN);
  const counts = "SELECT count(*), count(tier), count(extra), count(DISTINCT event_id) FROM transactions";
  strictEqual(await command("sql", counts, "--format", "csv"), "60,40,20,60");
  match(await command("audit"), /^audit: ok, /);
});

function payments(name: string) {
  return Array.from({ length: 20 }, (_, i) => ({
    event_id: `${name}-${i}`,
    timestamp: Date.now(),
    user_id: `u${i}`,
    amount: "1.25",
    currency: "EUR",
    status: "completed",
    tier: i,
  }));
}
