/** What PyIceberg makes of the payments: how many rows, how many ids, and their sum; by the catalog and from the files. */
import { runPython } from "./python.ts";

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
table = load_catalog("millrace", type="rest", warehouse="any", **args).load_table("processed.transactions")
files = StaticTable.from_metadata(table.metadata_location, {**table.io.properties, **args})
print(json.dumps({"catalog": facts(table), "files": facts(files)}))
`;

export type Facts = [rows: number, ids: number, total: string];

/** `catalog`: its `uri`, and what else the client must know (`token`, keys of the store). */
export async function countPayments(
  catalog: Record<string, string>,
): Promise<{ catalog: Facts; files: Facts }> {
  return await runPython(COUNT, catalog) as { catalog: Facts; files: Facts };
}
