/** PyIceberg counts exactly what was acknowledged, while the program is killed and after: through the catalog and from the files. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { exactSum, killScenario } from "../../kill_scenario.ts";
import { runPython } from "../python.ts";

const COUNT = `
import json, sys
from decimal import Decimal
from pyiceberg.catalog import load_catalog
from pyiceberg.table import StaticTable
args = json.loads(sys.argv[1])
def facts(table):
    rows = table.scan(selected_fields=("event_id", "amount")).to_arrow().to_pylist()
    total = sum((row["amount"] for row in rows), Decimal(0))
    return [len(rows), len({row["event_id"] for row in rows}), format(total, "f")]
table = load_catalog("millrace", type="rest", uri=args["uri"], warehouse="any").load_table("processed.transactions")
print(json.dumps({"catalog": facts(table), "files": facts(StaticTable.from_metadata(table.metadata_location))}))
`;

Deno.test("PyIceberg counts what was acknowledged after kill -9 at random moments, compaction running", async () => {
  const folder = await Deno.makeTempDir();
  const { acknowledged, program } = await killScenario({
    kills: Number(Deno.env.get("KILLS") ?? 15),
    senders: 6,
    seed: Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000),
    env: { DATA_DIR: folder, COMPACT_EVERY_MS: "300" },
  });
  try {
    const expected = [acknowledged.size, acknowledged.size, exactSum(acknowledged.values())];
    const found = await runPython(COUNT, { uri: `${program.url}/iceberg` });
    deepStrictEqual(found, { catalog: expected, files: expected });
    ok(acknowledged.size > 100);
    console.log(`${acknowledged.size} payments acknowledged and found`);
    const audit = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", "audit"],
      env: { DATA_DIR: folder },
    }).output();
    strictEqual(audit.code, 0, new TextDecoder().decode(audit.stdout));
  } finally {
    strictEqual(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  }
});
