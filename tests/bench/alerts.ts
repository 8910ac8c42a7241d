/**
 * From an event sent to its alert received, at 2,000 events a second with all that ships: the door, the log, the rules,
 * the topic and the courier are on the way, and a webhook on this machine is told.
 */
import { startProgram } from "../program.ts";
import { type Bench, quantile, transactionLine } from "./bench.ts";

const PER_SECOND = 2_000;
const SECONDS = 40;
/** Not judged: the program is still warming up. */
const WARM_SECONDS = 10;
const BATCHES_PER_SECOND = 10;
/** One in so many is an alert: 20 a second. */
const ALERT_EVERY = 100;
const MOST_WAIT_MS = 20_000;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

export const alertsBench: Bench = {
  name: "alerts",
  async run() {
    const folder = await Deno.makeTempDir();
    const sent = new Map<string, number>();
    const latencies: number[] = [];
    const receiver = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
      const { data } = await request.json();
      const at = sent.get(data.event_id);
      if (at !== undefined) latencies.push((performance.now() - at) / 1000);
      return new Response();
    });
    const config = await configured(folder, receiver.addr.port);
    const env = {
      DATA_DIR: folder,
      CONFIG_DIR: config,
      ALERT_WEBHOOK_SECRET: SECRET,
      RATE_LIMIT_PER_SECOND: "0",
    };
    const program = await startProgram({ env });
    await send(program.url, sent);
    const wanted = sent.size;
    for (let waited = 0; latencies.length < wanted && waited < MOST_WAIT_MS; waited += 100) await pause(100);
    await program.kill();
    await receiver.shutdown();
    await Deno.remove(folder, { recursive: true });
    if (latencies.length < wanted) throw new Error(`${latencies.length} of ${wanted} alerts came`);
    return [{
      what: `event to alert at ${PER_SECOND}/s, p99 of ${wanted}`,
      value: quantile(latencies, 0.99),
      unit: "s",
      must: 2,
      goal: 0.5,
      smaller: true,
    }];
  },
};

/** The shipped files, and one webhook here for the rule that is met. */
async function configured(folder: string, port: number): Promise<string> {
  const config = `${folder}/config`;
  await Deno.mkdir(config);
  const shipped = new URL("../../config/", import.meta.url);
  for await (const { name } of Deno.readDir(shipped)) {
    await Deno.copyFile(new URL(name, shipped), `${config}/${name}`);
  }
  const route = {
    name: "here",
    url: `http://127.0.0.1:${port}/`,
    allow_private: true,
    rules: ["high_value_transaction"],
  };
  await Deno.writeTextFile(`${config}/alerts.yaml`, JSON.stringify({ webhooks: [route] }));
  return config;
}

/** Every hundredth event is beyond the limit, of a user of its own, so that no cool-down holds it back. */
async function send(url: string, sent: Map<string, number>): Promise<void> {
  const size = PER_SECOND / BATCHES_PER_SECOND;
  const began = performance.now();
  for (let batch = 0; batch < SECONDS * BATCHES_PER_SECOND; batch++) {
    const due = began + batch * 1000 / BATCHES_PER_SECOND;
    await pause(Math.max(0, due - performance.now()));
    const isWarm = batch >= WARM_SECONDS * BATCHES_PER_SECOND;
    const lines = Array.from({ length: size }, (_, i) => {
      const number = batch * size + i;
      const event = JSON.parse(transactionLine(number, Date.now()));
      if (number % ALERT_EVERY !== 0) return JSON.stringify(event);
      if (isWarm) sent.set(event.event_id, performance.now());
      return JSON.stringify({ ...event, user_id: `rich_${number}`, amount: "25000.00" });
    });
    const headers = { "content-type": "application/x-ndjson" };
    const answer = await fetch(`${url}/ingest/transaction`, {
      method: "POST",
      headers,
      body: lines.join("\n"),
    });
    await answer.body?.cancel();
    if (answer.status !== 202) throw new Error(`the door answered ${answer.status}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
