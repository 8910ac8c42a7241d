/** Signed webhooks of 600 B, one a request, 32 connections, durable; reference: a Hono route that reads the body and answers 202. */
import { startProgram } from "../program.ts";
import { STRIPE_SECRET, stripeBody, stripeSignature } from "../stripe_sender.ts";
import { type Bench, type Figure, median, quantile } from "./bench.ts";

const CONNECTIONS = 32;
const SECONDS = 5;
const ROUNDS = 3;

export const hooksBench: Bench = {
  name: "hooks",
  async run() {
    const folder = await Deno.makeTempDir();
    const env = { DATA_DIR: folder, STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, RATE_LIMIT_PER_SECOND: "0" };
    const program = await startProgram({ env });
    const reference = referenceServer();
    const script = await wrkScript(folder);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await wrk(`${await reference.url}/hooks/stripe`, script));
      ours.push(await wrk(`${program.url}/hooks/stripe`, script));
    }
    const latencies = await openLoop(program.url, median(ours) * 0.7);
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
      must: 25,
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

/** wrk sends bodies that were signed beforehand (a signature lives five minutes), each with an id of its own. */
async function wrkScript(folder: string): Promise<string> {
  const now_s = Math.floor(Date.now() / 1000);
  const requests = Array.from({ length: 2_000 }, (_, i) => {
    const body = padded(
      stripeBody({
        id: `evt_${i}`,
        payment: `pi_${i}`,
        amount_minor: 1000 + i,
        created_s: now_s,
        user: `cus_${i}`,
      }),
    );
    return `{ ${lua(body)}, ${lua(stripeSignature(body, now_s))} }`;
  });
  const path = `${folder}/hooks.lua`;
  await Deno.writeTextFile(
    path,
    `local all = {\n${requests.join(",\n")}\n}\nlocal at = 0\nrequest = function()\n  at = at % #all + 1\n` +
      `  return wrk.format("POST", nil, { ["content-type"] = "application/json", ["stripe-signature"] = all[at][2] }, all[at][1])\nend\n`,
  );
  return path;
}

function padded(body: string): string {
  return body.slice(0, -1) + `,"padding":"${"x".repeat(Math.max(0, 600 - body.length - 13))}"}`;
}

function lua(text: string): string {
  return `[==[${text}]==]`;
}

async function wrk(url: string, script: string): Promise<number> {
  const output = await new Deno.Command("wrk", {
    args: ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS}s`, "-s", script, url],
  }).output();
  const text = new TextDecoder().decode(output.stdout);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  if (bad) throw new Error(`${bad[1]} answers of ${url} were no 2xx:\n${text}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
}

/** Sends on a schedule, whether answers came or not; the latency counts from when a request should have left. */
async function openLoop(url: string, per_second: number): Promise<number[]> {
  const latencies: number[] = [];
  const began = performance.now();
  const open: Promise<void>[] = [];
  for (let i = 0;; i++) {
    const due = began + (i / per_second) * 1000;
    if (due - began > SECONDS * 1000) break;
    while (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, 0));
    const now_s = Math.floor(Date.now() / 1000);
    const body = padded(
      stripeBody({
        id: `open_${i}`,
        payment: `po_${i}`,
        amount_minor: 1000,
        created_s: now_s,
        user: `cus_${i}`,
      }),
    );
    const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body, now_s) };
    open.push(
      fetch(`${url}/hooks/stripe`, { method: "POST", headers, body }).then(async (answer) => {
        await answer.body?.cancel();
        latencies.push(performance.now() - due);
      }),
    );
  }
  await Promise.all(open);
  return latencies;
}
