/** How old the newest row is at 2,000 events a second with the default checkpoint: from the answer to the row in a query. */
import { startProgram } from "../program.ts";
import { type Bench, quantile, transactionLine } from "./bench.ts";

const PER_SECOND = 2_000;
const SECONDS = 60;

export const freshnessBench: Bench = {
  name: "freshness",
  async run() {
    const folder = await Deno.makeTempDir();
    const program = await startProgram({ env: { DATA_DIR: folder, RATE_LIMIT_PER_SECOND: "0" } });
    const acknowledged: number[] = [];
    const visible: number[] = [];
    let over = false;
    const watching = watch(program.url, acknowledged, visible, () => over);
    const began = performance.now();
    for (let batch = 0; batch < SECONDS * 10; batch++) {
      const size = PER_SECOND / 10;
      const lines = Array.from({ length: size }, (_, i) => transactionLine(batch * size + i, Date.now()));
      await fetch(`${program.url}/ingest/transaction`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: lines.join("\n"),
      }).then((answer) => answer.body?.cancel());
      const now = performance.now();
      for (let i = 0; i < size; i++) acknowledged.push(now);
      const due = began + (batch + 1) * 100;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - now)));
    }
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    over = true;
    await watching;
    await program.kill();
    await Deno.remove(folder, { recursive: true });
    const ages = visible.map((at, i) => (at - acknowledged[i]) / 1000);
    return [{
      what: `acknowledged to queryable at ${PER_SECOND}/s, p99`,
      value: quantile(ages, 0.99),
      unit: "s",
      must: 10,
      goal: 7,
      smaller: true,
    }];
  },
};

/** Rows become visible in the order of offsets a partition; the count tells when the n-th acknowledged one was there. */
async function watch(
  url: string,
  acknowledged: readonly number[],
  visible: number[],
  over: () => boolean,
): Promise<void> {
  while (!over() || visible.length < acknowledged.length) {
    const answer = await fetch(`${url}/api/tables`).then((one) => one.json());
    const rows = answer.items.find((one: { name: string }) => one.name === "processed.transactions")?.rows ??
      0;
    const now = performance.now();
    while (visible.length < rows) visible.push(now);
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (over() && visible.length >= acknowledged.length) return;
  }
}
