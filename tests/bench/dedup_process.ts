/** The process that dedup.ts measures: claims ids, and tells in JSON what they took at the most. */
import { DedupIndex } from "../../lib/event/dedup_index.ts";

const IDS = 10_000_000;
const WARM_UP = 500_000;
const MOST_IDS = 20_000_000;
const CHANGES_EVERY = 50_000;

function claim(index: DedupIndex, ids: number, look: () => void): void {
  for (let i = 0; i < ids; i++) {
    const one = {
      source: "stripe",
      kind: "transaction",
      event_id: `evt_${i.toString(36)}`,
      content: `content ${i}`,
      received_at: 1_800_000_000_000 + i,
      window_ms: 604_800_000,
    };
    if (index.check(one) !== "new") throw new Error(`id ${i} is known`);
    if (i % CHANGES_EVERY !== 0) continue;
    // As a checkpoint does.
    index.takeChanges();
    look();
  }
  look();
}

const resident = () => Deno.memoryUsage().rss;
// What the code itself takes is there before the ids are counted.
claim(new DedupIndex(MOST_IDS), WARM_UP, () => undefined);
const before = resident();
const index = new DedupIndex(MOST_IDS);
let most = before;
const began = performance.now();
claim(index, IDS, () => most = Math.max(most, resident()));
const per_second = IDS / ((performance.now() - began) / 1000);
console.log(JSON.stringify({ resident_bytes: most - before, held_bytes: index.size_bytes, per_second }));
