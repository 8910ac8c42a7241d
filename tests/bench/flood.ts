/**
 * Five times the rate limit for a minute from one abusive source, while another source sends its usual share.
 *
 *   `shop` at its rate ──► flood: `shop` at five times that, and unsigned webhooks ──► quiet
 *   `till`  · · · · · · · · · · · ten requests a second, all the time · · · · · · · ·
 */
import { startProgram } from "../program.ts";
import { type Bench, quantile } from "./bench.ts";

const RATE = 300;
const TIMES = 5;
/** At the rate itself, so that what the program takes for its work is there before the flood. */
const USUAL_S = 30;
const FLOOD_S = Number(Deno.env.get("FLOOD_SECONDS") ?? 60);
const CALM_WITHIN_S = 30;
const MB = 1e6;

interface Answers {
  statuses: Map<number, number>;
  latencies: number[];
}

export const floodBench: Bench = {
  name: "flood",
  async run() {
    const folder = await Deno.makeTempDir();
    const env = {
      DATA_DIR: folder,
      RATE_LIMIT_PER_SECOND: String(RATE),
      API_TOKEN: "flood-admin-token-1",
      INGEST_TOKENS: "shop=flood-shop-token-1,till=flood-till-token-1",
      STRIPE_WEBHOOK_SECRET: "whsec_of_the_flood",
    };
    const program = await startProgram({ env });
    const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));
    const stop = new AbortController();
    let memory_before = 0;
    const before = paced(10, stop.signal, () => send(program.url, "till"));
    const usual = paced(RATE * 0.9, stop.signal, () => send(program.url, "shop"));
    const looking = paced(2, stop.signal, async () => {
      memory_before = Math.max(memory_before, await rss(program.pid));
      return 200;
    });
    await seconds(USUAL_S);
    stop.abort();
    const [quiet] = await Promise.all([before, usual, looking]);

    let most = 0;
    const flood = new AbortController();
    const watching = paced(2, flood.signal, async () => {
      most = Math.max(most, await rss(program.pid));
      return 200;
    });
    const others = paced(10, flood.signal, () => send(program.url, "till"));
    const abuse = paced(RATE * TIMES, flood.signal, () => send(program.url, "shop"));
    const strangers = paced(RATE * TIMES, flood.signal, () => unsigned(program.url));
    await seconds(FLOOD_S);
    flood.abort();
    const [during, abused, unknown] = await Promise.all([others, abuse, strangers, watching]);
    const ended = performance.now();
    let calm_s = CALM_WITHIN_S + 1;
    while (performance.now() - ended < CALM_WITHIN_S * 1000) {
      const began = performance.now();
      const status = await send(program.url, "shop");
      if (status === 202 && performance.now() - began < Math.max(100, 5 * quantile(quiet.latencies, 0.5))) {
        calm_s = (performance.now() - ended) / 1000;
        break;
      }
      await seconds(0.2);
    }
    await program.stop();
    await Deno.remove(folder, { recursive: true });
    const refused = (answers: Answers) => answers.statuses.get(429) ?? 0;
    const sent = [...abused.statuses.values()].reduce((sum, count) => sum + count, 0);
    return [
      { what: "requests of the abusive source", value: sent / FLOOD_S, unit: "requests/s" },
      { what: "of which taken", value: (abused.statuses.get(202) ?? 0) / FLOOD_S, unit: "requests/s" },
      { what: "unsigned webhooks refused by 429", value: refused(unknown) / FLOOD_S, unit: "requests/s" },
      {
        what: "memory more than before",
        value: (most - memory_before) / MB,
        unit: "MB",
        must: 100,
        smaller: true,
      },
      {
        what: "requests of the other source not taken",
        value: others202(during),
        unit: "requests",
        must: 0,
        smaller: true,
      },
      {
        what: "p99 of the other source under flood",
        value: quantile(during.latencies, 0.99),
        unit: "ms",
        reference: { what: "before", value: quantile(quiet.latencies, 0.99) },
      },
      { what: "back to normal after", value: calm_s, unit: "s", must: CALM_WITHIN_S, smaller: true },
    ];
  },
};

function others202({ statuses }: Answers): number {
  return [...statuses].reduce((sum, [status, count]) => sum + (status === 202 ? 0 : count), 0);
}

/** Calls `ask` so often a second, whether answers came or not, with a bound on those that are open. */
async function paced(per_second: number, signal: AbortSignal, ask: () => Promise<number>): Promise<Answers> {
  const answers: Answers = { statuses: new Map(), latencies: [] };
  const open = new Set<Promise<void>>();
  const began = performance.now();
  for (let i = 0; !signal.aborted; i++) {
    const due = began + (i * 1000) / per_second;
    while (performance.now() < due && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
    if (open.size >= 200) await Promise.race(open);
    const left = performance.now();
    const one = ask().then((status) => {
      answers.statuses.set(status, (answers.statuses.get(status) ?? 0) + 1);
      answers.latencies.push(performance.now() - left);
    }).finally(() => open.delete(one));
    open.add(one);
  }
  await Promise.all(open);
  return answers;
}

async function send(url: string, who: string): Promise<number> {
  const answer = await fetch(`${url}/ingest/event`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer flood-${who}-token-1` },
    body: '{"of": "the flood"}',
  });
  await answer.body?.cancel();
  return answer.status;
}

async function unsigned(url: string): Promise<number> {
  const headers = { "stripe-signature": `t=${Math.floor(Date.now() / 1000)},v1=${"0".repeat(64)}` };
  const answer = await fetch(`${url}/hooks/stripe`, { method: "POST", headers, body: "{}" });
  await answer.body?.cancel();
  return answer.status;
}

/** Resident bytes of a process, children left out. */
async function rss(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}
