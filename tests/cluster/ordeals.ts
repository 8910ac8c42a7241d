/**
 * What a cluster must survive under load, each ordeal closed by the same proof (payments.ts): short in the cluster suite,
 * at length in the soak. ORDEAL=<word> leaves out those whose name has it not; SEED=<number> repeats a run.
 */
import { ok } from "node:assert/strict";
import { seededRandom } from "../kill_scenario.ts";
import { said } from "../said.ts";
import { STRIPE_SECRET } from "../stripe_sender.ts";
import { Cluster } from "./cluster.ts";
import { eventually, inTime, pause } from "../waiting.ts";
import { Payments } from "./payments.ts";
import { isListing, type S3Fault, startS3FaultProxy } from "./s3_fault_proxy.ts";
import { StubbornOwners } from "./stubborn_owners.ts";

export interface OrdealSizes {
  /** Kills of some role. */
  kills: number;
  /** How long a process that was stopped in the middle of a flush sleeps at least. */
  sleep_ms: number;
  sleeps: number;
  /** Calls to the store that go wrong, a third of all. */
  errors: number;
  /** Workers that come and go, one every `turn_ms`. */
  turns: number;
  turn_ms: number;
  /** How often broker and store go away, and for how long. */
  outages: number;
  away_ms: number;
  /** Restarts of owners that believe they own everything. */
  duels: number;
  /** Further settings of all roles. */
  env?: Record<string, string>;
}

/** Between two events of an ordeal so many payments are acknowledged: load goes on, whatever the machine's speed. */
const SOME = 30;

export async function runOrdeals(t: Deno.TestContext, sizes: OrdealSizes): Promise<void> {
  const seed = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  await using cluster = await Cluster.start({
    processes: 2,
    env: { STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, COMPACT_EVERY_MS: "500", PARTITIONS: "4", ...sizes.env },
  });
  const acknowledged = new Map();
  const ordeal = async (name: string, work: (payments: Payments) => Promise<void>) => {
    if (!name.includes(Deno.env.get("ORDEAL") ?? "")) return;
    await t.step(name, async () => {
      await using payments = new Payments(cluster, { random, acknowledged });
      await payments.more(SOME);
      await work(payments);
      await payments.more(SOME);
      await payments.prove();
    });
  };

  await ordeal(
    "every role is killed at random moments, compaction running",
    (payments) => killRoles(payments, { kills: sizes.kills, random }),
  );
  await ordeal(
    "two more programs believe that they own every partition",
    (payments) => duel(payments, sizes.duels),
  );
  await ordeal(
    "a process sleeps in the middle of a flush while another takes over, and wakes",
    async (payments) => {
      for (let i = 0; i < sizes.sleeps; i++) {
        await sleepAt(payments, "/segments/", { fault: "pass", sleep_ms: sizes.sleep_ms });
        await sleepAt(payments, "/checkpoints/", { fault: { late_ms: 2_000 }, sleep_ms: sizes.sleep_ms });
      }
    },
  );
  await ordeal(
    "the store errs, loses what was said, and shows old lists",
    (payments) => badStore(payments, { errors: sizes.errors, random }),
  );
  await ordeal("processes come and go", (payments) => comeAndGo(payments, sizes));
  await ordeal("broker and store go away and come back", (payments) => outages(payments, sizes));
}

async function killRoles(payments: Payments, { kills, random }: { kills: number; random: () => number }) {
  const { cluster } = payments;
  const roles = ["process-0", "maintain", "edge", "query", "maintain-1", "process-1"];
  // Two that publish and compact the same tables.
  await cluster.begin("maintain-1");
  for (let i = 0; i < kills; i++) {
    const role = roles[i % roles.length];
    await pause(random() * 2_000);
    await cluster.kill(role);
    await cluster.begin(role);
    await payments.more(SOME);
  }
  await cluster.kill("maintain-1");
}

async function duel(payments: Payments, duels: number) {
  await using owners = new StubbornOwners(payments.cluster.env);
  await owners.start();
  await owners.start();
  for (let i = 0; i < duels; i++) {
    await payments.more(SOME);
    await owners.restart(i % 2);
  }
  await payments.more(SOME);
}

/** Stops a process at the moment that it sends such a request, until others work on its partitions; then lets it wake. */
async function sleepAt(payments: Payments, path: string, how: { fault: S3Fault; sleep_ms: number }) {
  const { cluster } = payments;
  await using proxy = await startS3FaultProxy(cluster.s3.endpoint);
  // The one that is to sleep stands behind the proxy; the other one must not own everything when it begins.
  await cluster.roles.get("process-0")!.stop();
  const sleeper = await cluster.begin("process-0", { S3_ENDPOINT: proxy.endpoint });
  const asleep = Promise.withResolvers<{ partition: number; epoch: number }>();
  const owned = new Map<number, number>();
  const hear = () => {
    for (const { partition, epoch } of said(sleeper, "claimed")) owned.set(Number(partition), Number(epoch));
  };
  let isAsleep = false;
  proxy.decide = (request) => {
    const partition = Number(/\/(?:segments|checkpoints)\/(\d+)\//.exec(request.path)?.[1] ?? NaN);
    const isFlush = request.method === "PUT" && request.path.includes(path);
    hear();
    if (isAsleep || !isFlush || !owned.has(partition)) return "pass";
    isAsleep = true;
    Deno.kill(sleeper.pid, "SIGSTOP");
    asleep.resolve({ partition, epoch: owned.get(partition)! });
    return how.fault;
  };
  try {
    const { partition, epoch } = await inTime(asleep.promise, `a write to ${path}`);
    const until = Date.now() + how.sleep_ms;
    await takenOver(payments, partition, epoch);
    while (Date.now() < until) await payments.more(1);
  } finally {
    Deno.kill(sleeper.pid, "SIGCONT");
  }
  await payments.more(SOME);
  // It goes on, without the proxy.
  await cluster.roles.get("process-0")!.stop();
  await cluster.begin("process-0");
}

/** What may happen to a call; a flipped bit of a range is for TLS to see. */
const ANY_CALL: readonly S3Fault[] = [
  "lose_request",
  "lose_answer",
  "empty",
  "flip_request",
  { refuse: 500, code: "InternalError" },
  { refuse: 503, code: "SlowDown" },
  { refuse: 200, code: "InternalError" },
  { fail_after: 500, code: "InternalError" },
  { fail_after: 503, code: "SlowDown" },
  { late_ms: 300 },
];
const CONFLICT: S3Fault = { refuse: 409, code: "ConditionalRequestConflict" };

async function badStore(payments: Payments, { errors, random }: { errors: number; random: () => number }) {
  const { cluster } = payments;
  await using proxy = await startS3FaultProxy(cluster.s3.endpoint);
  const roles = ["process-0", "process-1", "maintain"];
  for (const role of roles) {
    await cluster.roles.get(role)!.stop();
    await cluster.begin(role, { S3_ENDPOINT: proxy.endpoint });
  }
  let made = 0;
  proxy.decide = ({ method, path }) => {
    if (random() > 1 / 3) return "pass";
    made++;
    if (isListing({ method, url: path })) return random() < 0.5 ? "stale" : "cut";
    if (method === "GET" && random() < 0.3) return "cut";
    if (method === "PUT" && random() < 0.3) return CONFLICT;
    return ANY_CALL[Math.floor(random() * ANY_CALL.length)];
  };
  while (made < errors) await payments.more(1);
  proxy.decide = () => "pass";
  for (const role of roles) {
    await cluster.kill(role);
    await cluster.begin(role);
  }
}

/** Until another owner decided something in that partition. */
async function takenOver({ cluster }: Payments, partition: number, epoch: number): Promise<void> {
  const owner = async () =>
    (await cluster.status()).partitions?.find((one) => one.partition === partition)?.epoch ?? 0;
  await eventually(owner, (seen) => seen > epoch, {
    what: `another owner of partition ${partition}`,
    every_ms: 200,
  });
}

async function comeAndGo(payments: Payments, { turns, turn_ms }: OrdealSizes) {
  const { cluster } = payments;
  const there = new Set<string>();
  for (let i = 0; i < turns; i++) {
    const name = `process-${2 + i % 2}`;
    if (!there.delete(name)) {
      await cluster.begin(name);
      there.add(name);
    } else if (i % 2 === 0) ok(await cluster.roles.get(name)!.stop() === 0, `${name} did not end in order`);
    else await cluster.kill(name);
    await Promise.all([pause(turn_ms), payments.more(SOME)]);
  }
  for (const name of there) await cluster.kill(name);
}

async function outages(payments: Payments, { outages, away_ms }: OrdealSizes) {
  const { cluster: { broker, s3 } } = payments;
  for (let i = 0; i < outages; i++) {
    // An orderly end first, then a power cut.
    await (i % 2 === 0 ? broker.stop() : broker.kill());
    await Promise.all([pause(away_ms), payments.more(SOME)]);
    await broker.start();
    await payments.more(SOME);
    await (i % 2 === 0 ? s3.stop() : s3.kill());
    await pause(away_ms);
    await s3.restart();
    await payments.more(SOME);
  }
}
