/** A crash or a failure at every call of log and store, from record to table, with and without compaction. */
import { withWriter } from "../lake/small_lake.ts";
import { type FaultKind, FaultPlan } from "./fault_plan.ts";
import { everything, forEachCall } from "./sample.ts";
import { pipelineScenario } from "./small_pipeline.ts";

const STRIDE = 4;
const CRASHES: FaultKind[] = ["crash_before", "crash_after"];
const FAILURES: FaultKind[] = ["fail_before", "fail_after"];

for (const compacts of everything ? [false, true] : [true]) {
  for (const kinds of everything ? [CRASHES, FAILURES] : [CRASHES]) {
    Deno.test(`from record to table, ${kinds.join(" and ")} at every call${compacts ? ", compacting" : ""}`, () =>
      withWriter(async (writer) => {
        const undisturbed = FaultPlan.none();
        await pipelineScenario(undisturbed, { writer, compacts });
        await forEachCall(undisturbed.calls, STRIDE, async (call) => {
          for (const kind of kinds) {
            try {
              await pipelineScenario(FaultPlan.at(call, kind), { writer, compacts });
            } catch (error) {
              throw new Error(`${kind} (${undisturbed.names[call - 1]})`, { cause: error });
            }
          }
        });
      }));
  }
}
