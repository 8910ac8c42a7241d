/** Every role killed at random moments on a real broker and a real S3 server, compaction running: nothing lost, nothing doubled. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { exactSum, seededRandom } from "../kill_scenario.ts";
import { settled } from "../program.ts";
import { sendStripe, STRIPE_SECRET, stripeBody, type StripePayment } from "../stripe_sender.ts";
import { Cluster, CLUSTER_TOKEN } from "./cluster.ts";

const QUESTION =
  `SELECT count(*) AS n, count(DISTINCT event_id) AS ids, sum(amount)::VARCHAR AS total FROM transactions`;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("roles on Kafka and S3 survive kill -9 of each", async () => {
  const seed = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  console.log(`seed ${seed}`);
  await using cluster = await Cluster.start({
    processes: 2,
    env: { STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, COMPACT_EVERY_MS: "500" },
  });
  const acknowledged = new Map<string, StripePayment>();
  let over = false;
  const sender = async (index: number) => {
    for (let n = 0; !over; n++) {
      const payment = {
        id: `evt_${index}_${n}`,
        payment: `pi_${index}_${n}`,
        amount_minor: 100 + Math.floor(random() * 100_000),
        created_s: Math.floor(Date.now() / 1000) - 30,
        user: `cus_${index}_${n % 5}`,
      };
      const body = stripeBody(payment);
      while (!await sendStripe(cluster.url, body)) await wait(50);
      acknowledged.set(payment.id, payment);
      await wait(5);
    }
  };
  const senders = Array.from({ length: 4 }, (_, index) => sender(index));
  for (const role of ["process-0", "maintain", "edge", "process-1", "process-0", "maintain"]) {
    await wait(1_000 + random() * 2_000);
    await cluster.kill(role);
    await cluster.begin(role);
  }
  await wait(1_000);
  over = true;
  await Promise.all(senders);
  const status = await settled(cluster.url, CLUSTER_TOKEN);
  const answer = await fetch(`${cluster.url}/api/query`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${CLUSTER_TOKEN}` },
    body: JSON.stringify({ sql: QUESTION }),
  });
  const result = await answer.json();
  strictEqual(answer.status, 200, JSON.stringify(result));
  const [n, ids, total] = result.rows[0];
  deepStrictEqual([Number(n), Number(ids), total], [
    acknowledged.size,
    acknowledged.size,
    exactSum(acknowledged.values()),
  ]);
  ok(acknowledged.size > 100);
  const accounts = status.accounting as { source: string; rows: number; holds: boolean }[];
  strictEqual(accounts.find((one) => one.source === "stripe")?.rows, acknowledged.size);
  const audit = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "main.ts", "audit"],
    env: { ...cluster.env, DATA_DIR: `${cluster.folder}/audit` },
  }).output();
  strictEqual(audit.code, 0, new TextDecoder().decode(audit.stdout));
});
