/** PyIceberg, from the files alone, counts exactly what was recorded after a crash at every call of log and store. */
import { deepStrictEqual } from "node:assert/strict";
import { type FaultKind, FaultPlan } from "../../faults/fault_plan.ts";
import { everything, forEachCall } from "../../faults/sample.ts";
import { pipelineScenario, RECORDS, TOTAL } from "../../faults/small_pipeline.ts";
import { withWriter } from "../../lake/small_lake.ts";
import { runPython } from "../python.ts";

/** Python takes longer to begin than to read a lake. */
const AT_ONCE = 40;
const STRIDE = 8;
const CRASHES: FaultKind[] = ["crash_before", "crash_after"];

const COUNT = `
import glob, json, sys
from decimal import Decimal
from pyiceberg.table import StaticTable
def table(folder, name):
    versions = glob.glob(f"{folder}/lake/{name}/metadata/v*.metadata.json")
    newest = max(versions, key=lambda path: int(path.rsplit("/v", 1)[1].split(".")[0]))
    return StaticTable.from_metadata(newest).scan().to_arrow().to_pylist()
def facts(folder):
    rows = table(folder, "processed/transactions")
    total = sum((row["amount"] for row in rows), Decimal(0))
    offsets = sorted(row["log_offset"] for row in table(folder, "raw/events"))
    return [len(rows), len({row["event_id"] for row in rows}), format(total, "f"), offsets]
print(json.dumps([facts(folder) for folder in json.loads(sys.argv[1])]))
`;

async function count(folders: string[]): Promise<void> {
  const offsets = Array.from({ length: RECORDS }, (_, i) => i);
  const expected = folders.map(() => [RECORDS, RECORDS, TOTAL, offsets]);
  deepStrictEqual(await runPython(COUNT, folders), expected);
  for (const folder of folders.splice(0)) await Deno.remove(folder, { recursive: true });
}

for (const compacts of everything ? [true, false] : [true]) {
  Deno.test(`PyIceberg counts what was recorded after a crash at every call${compacts ? ", compacting" : ""}`, () =>
    withWriter(async (writer) => {
      const left: string[] = [];
      const undisturbed = FaultPlan.none();
      await pipelineScenario(undisturbed, { writer, compacts, left });
      await forEachCall(undisturbed.calls, STRIDE, async (call) => {
        for (const kind of CRASHES) {
          await pipelineScenario(FaultPlan.at(call, kind), { writer, compacts, left });
        }
        if (left.length >= AT_ONCE) await count(left);
      });
      await count(left);
    }));
}
