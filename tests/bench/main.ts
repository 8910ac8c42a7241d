/** `deno task bench [name [argument]]`: every figure as a ratio to a reference in the same run. */
import { alertsBench } from "./alerts.ts";
import { ageBench } from "./age.ts";
import { type Bench, report } from "./bench.ts";
import { hooksBench } from "./hooks.ts";
import { ingestBench } from "./ingest.ts";
import { landingBench } from "./landing.ts";
import { rulesBench } from "./rules.ts";
import { compactionBench } from "./compaction.ts";
import { startBench } from "./start.ts";
import { stateBench } from "./state.ts";
import { streamBench } from "./stream.ts";
import { freshnessBench } from "./freshness.ts";
import { faceBench } from "./face.ts";
import { kafkaBench } from "./kafka.ts";
import { landingS3Bench } from "./landing_s3.ts";
import { restartBench } from "./restart.ts";
import { sustainedBench } from "./sustained.ts";
import { eventBench } from "./event.ts";
import { dedupBench } from "./dedup.ts";
import { forgeryBench } from "./forgery.ts";
import { floodBench } from "./flood.ts";

const BENCHES: readonly Bench[] = [
  hooksBench,
  ingestBench,
  landingBench,
  freshnessBench,
  startBench,
  compactionBench,
  ageBench,
  faceBench,
  streamBench,
  stateBench,
  rulesBench,
  alertsBench,
  kafkaBench,
  landingS3Bench,
  restartBench,
  sustainedBench,
  eventBench,
  dedupBench,
  forgeryBench,
  floodBench,
];

const wanted = Deno.args[0];
const chosen = BENCHES.filter((bench) => wanted === undefined || bench.name === wanted);
if (chosen.length === 0) {
  console.error(`There is no bench ${wanted}; there are ${BENCHES.map((bench) => bench.name).join(", ")}`);
  Deno.exit(2);
}
for (const bench of chosen) report(bench, await bench.run(Deno.args.slice(1)));
