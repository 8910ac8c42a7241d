/** Start after kill -9 with 1 GB of the log not yet processed: when it takes events again, and how fast it catches up. */
import { settled, startProgram } from "../program.ts";
import { type Bench, transactionLine } from "./bench.ts";
import { fillEmbeddedLog } from "./full_log.ts";
import { closedLoop, pause, requestBytes } from "./sender.ts";

const LIVE_PER_SECOND = 10_000;
const BEHIND_BYTES = 1_000_000_000;
/** A line of 360 B with its key and its place in a frame. */
const RECORD_BYTES = 390;

export const restartBench: Bench = {
  name: "restart",
  async run() {
    const folder = await Deno.makeTempDir();
    const env = { DATA_DIR: folder };
    try {
      const first = await startProgram({ env });
      await closedLoop(first.url, [oneEvent(1)], 1);
      await settled(first.url);
      await first.kill();
      const records = Math.ceil(BEHIND_BYTES / RECORD_BYTES);
      await fillEmbeddedLog(folder, { records, per_second: LIVE_PER_SECOND });
      const began = performance.now();
      const program = await startProgram({ env });
      try {
        await ready(program.url);
        await closedLoop(program.url, [oneEvent(2)], 1);
        const ready_s = (performance.now() - began) / 1000;
        await caughtUp(program.url);
        const seconds = (performance.now() - began) / 1000;
        return [
          { what: "ready, and the first 202", value: ready_s, unit: "s", must: 10, smaller: true },
          {
            what: "catches up, the start included",
            value: records / seconds,
            unit: "records/s",
            reference: { what: "the live rate", value: LIVE_PER_SECOND },
            goal: 3,
          },
        ];
      } finally {
        await program.kill();
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

function oneEvent(number: number): Uint8Array {
  const headers = { "content-type": "application/json" };
  const body = transactionLine(-number, Date.now());
  return requestBytes({ path: "/ingest/transaction", headers, body });
}

async function ready(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/readyz`);
    await answer.body?.cancel();
    if (answer.ok) return;
    await pause(20);
  }
}

/** A look costs the program something, so there are few until it is nearly done. */
async function caughtUp(url: string): Promise<void> {
  for (;;) {
    const status = await fetch(`${url}/api/status`).then((answer) => answer.json());
    const lag = status.partitions.reduce(
      (sum: number, one: { lag_records: number }) => sum + one.lag_records,
      0,
    );
    if (lag < LIVE_PER_SECOND) break;
    await pause(1_000);
  }
  await settled(url);
}
