/** Cold start to the first 202, dependencies cached. */
import { startProgram } from "../program.ts";
import { sendStripe, STRIPE_SECRET, stripeBody } from "../stripe_sender.ts";
import { type Bench, median } from "./bench.ts";

const ROUNDS = 5;

export const startBench: Bench = {
  name: "start",
  async run() {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const folder = await Deno.makeTempDir();
      const began = performance.now();
      const program = await startProgram({ env: { DATA_DIR: folder, STRIPE_WEBHOOK_SECRET: STRIPE_SECRET } });
      const created_s = Math.floor(Date.now() / 1000);
      const sent = await sendStripe(
        program.url,
        stripeBody({ id: "evt_1", payment: "pi_1", amount_minor: 100, created_s, user: "u" }),
      );
      if (!sent) throw new Error("the first webhook was not accepted");
      times.push((performance.now() - began) / 1000);
      await program.kill();
      await Deno.remove(folder, { recursive: true });
    }
    return [{
      what: "cold start to the first 202",
      value: median(times),
      unit: "s",
      must: 3,
      goal: 1.5,
      smaller: true,
    }];
  },
};
