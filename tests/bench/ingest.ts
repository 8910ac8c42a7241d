/** NDJSON batches of 1,000 events of 360 B, durable; reference: `JSON.parse` of the same lines in one thread. */
import { startProgram } from "../program.ts";
import { type Bench, median, transactionLine } from "./bench.ts";
import { closedLoop, requestBytes } from "./sender.ts";

const BATCHES = 60;
const EVENTS = 1_000;
const SENDERS = 4;
const ROUNDS = 3;

export const ingestBench: Bench = {
  name: "ingest",
  async run() {
    const folder = await Deno.makeTempDir();
    const program = await startProgram({ env: { DATA_DIR: folder, RATE_LIMIT_PER_SECOND: "0" } });
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const batches = Array.from(
        { length: BATCHES },
        (_, b) =>
          Array.from(
            { length: EVENTS },
            (_, i) => transactionLine((round * BATCHES + b) * EVENTS + i, Date.now()),
          ).join("\n"),
      );
      theirs.push(parseRate(batches));
      ours.push(await sendRate(program.url, batches));
    }
    await program.kill();
    await Deno.remove(folder, { recursive: true });
    return [{
      what: "NDJSON events, durable",
      value: median(ours),
      unit: "events/s",
      reference: { what: "JSON.parse in one thread", value: median(theirs) },
      must: 0.15,
      goal: 0.3,
    }];
  },
};

function parseRate(batches: readonly string[]): number {
  const lines = batches.flatMap((batch) => batch.split("\n"));
  const began = performance.now();
  let seen = 0;
  for (const line of lines) seen += JSON.parse(line).user_id.length > 0 ? 1 : 0;
  return seen / ((performance.now() - began) / 1000);
}

async function sendRate(url: string, batches: readonly string[]): Promise<number> {
  const headers = { "content-type": "application/x-ndjson" };
  const requests = batches.map((body) => requestBytes({ path: "/ingest/transaction", headers, body }));
  return EVENTS * await closedLoop(url, requests, SENDERS, (answer) => {
    const { accepted } = JSON.parse(answer);
    if (accepted !== EVENTS) throw new Error(`accepted ${accepted} of ${EVENTS}`);
  });
}
