/** Signed webhooks of 600 B, one a request, 32 connections, durable; reference: a Hono route that reads the body and answers 202. */
import { startProgram } from "../program.ts";
import { STRIPE_SECRET, stripeBody, stripeSignature } from "../stripe_sender.ts";
import { type Bench, type Figure, median, quantile } from "./bench.ts";
import { closedLoop, openLoop, requestBytes } from "./sender.ts";

const CONNECTIONS = 32;
const SECONDS = 5;
const ROUNDS = 3;
/** The first requests find code that nobody has called yet. */
const WARM_UP = 2_000;
/** The sender too is late at first, in a loop that is new to it: that is not the door's latency. */
const SETTLING_SECONDS = 2;

export const hooksBench: Bench = {
  name: "hooks",
  async run() {
    const folder = await Deno.makeTempDir();
    const env = { DATA_DIR: folder, STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, RATE_LIMIT_PER_SECOND: "0" };
    const program = await startProgram({ env });
    const reference = referenceServer();
    const reference_url = await reference.url;
    const warm_up = signedRequests(WARM_UP, "warm");
    const first = await closedLoop(program.url, warm_up, CONNECTIONS);
    await closedLoop(reference_url, warm_up, CONNECTIONS);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const requests = signedRequests(Math.round((ours.at(-1) ?? first) * SECONDS), `round${round}`);
      theirs.push(await closedLoop(reference_url, requests, CONNECTIONS));
      ours.push(await closedLoop(program.url, requests, CONNECTIONS));
    }
    const schedule = { per_second: median(ours) * 0.7, connections: CONNECTIONS };
    const begun = signedRequests(Math.round(schedule.per_second * SETTLING_SECONDS), "begun");
    const open = signedRequests(Math.round(schedule.per_second * SECONDS), "open");
    await openLoop(program.url, begun, schedule);
    const latencies = await openLoop(program.url, open, schedule);
    reference.child.kill("SIGKILL");
    await program.kill();
    await Deno.remove(folder, { recursive: true });
    const figures: Figure[] = [{
      what: "signed webhooks, durable",
      value: median(ours),
      unit: "requests/s",
      reference: { what: "a route that only answers", value: median(theirs) },
      must: 0.3,
      goal: 0.5,
    }, {
      what: "p99 at 70 % of that, open loop",
      value: quantile(latencies, 0.99),
      unit: "ms",
      goal: 25,
      smaller: true,
    }];
    return figures;
  },
};

/** In a process of its own, as the program is. */
function referenceServer(): { url: Promise<string>; child: Deno.ChildProcess } {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("./hooks_reference.ts", import.meta.url).pathname],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const url = (async () => {
    for await (const chunk of child.stdout) return new TextDecoder().decode(chunk).trim();
    throw new Error("the reference does not start");
  })();
  return { url, child };
}

/** So many webhooks of 600 B, each with an id of its own; signed beforehand, for a signature lives five minutes. */
function signedRequests(count: number, run: string): Uint8Array[] {
  const now_s = Math.floor(Date.now() / 1000);
  return Array.from({ length: count }, (_, i) => {
    const body = padded(stripeBody({
      id: `evt_${run}_${i}`,
      payment: `pi_${run}_${i}`,
      amount_minor: 1000 + i,
      created_s: now_s,
      user: `cus_${i % 5000}`,
    }));
    const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body, now_s) };
    return requestBytes({ path: "/hooks/stripe", headers, body });
  });
}

function padded(body: string): string {
  return body.slice(0, -1) + `,"padding":"${"x".repeat(Math.max(0, 600 - body.length - 13))}"}`;
}
