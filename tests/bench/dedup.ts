/** Ten million remembered ids in one partition: the memory they take, all of it, after they were claimed one by one. */
import { DedupIndex } from "../../lib/event/dedup_index.ts";
import type { Bench } from "./bench.ts";

const IDS = 10_000_000;
const CHANGES_EVERY = 50_000;
const MB = 1e6;

export const dedupBench: Bench = {
  name: "dedup",
  run() {
    const before = taken();
    const index = new DedupIndex(20_000_000);
    const began = performance.now();
    let most = 0;
    for (let i = 0; i < IDS; i++) {
      const claim = {
        source: "stripe",
        kind: "transaction",
        event_id: `evt_${i.toString(36)}`,
        content: `content ${i}`,
        received_at: 1_800_000_000_000 + i,
        window_ms: 604_800_000,
      };
      if (index.check(claim) !== "new") throw new Error(`id ${i} is known`);
      // As a checkpoint does.
      if (i % CHANGES_EVERY === 0) index.takeChanges();
      if (i % 1_000_000 === 0) most = Math.max(most, taken() - before);
    }
    const seconds = (performance.now() - began) / 1000;
    index.takeChanges();
    most = Math.max(most, taken() - before);
    return Promise.resolve([
      {
        what: "memory of 10 million ids, resident",
        value: most / MB,
        unit: "MB",
        must: 300,
        goal: 240,
        smaller: true,
      },
      {
        what: "of which held for them",
        value: index.size_bytes / MB,
        unit: "MB",
        must: 300,
        goal: 240,
        smaller: true,
      },
      { what: "claims", value: IDS / seconds, unit: "ids/s" },
    ]);
  },
};

function taken(): number {
  return Deno.memoryUsage().rss;
}
