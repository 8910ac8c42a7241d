/**
 * Every table of a real lake, as foreign readers see it: now, in the past, from the catalog and from the metadata file.
 *
 * A digest is the hash of all rows as JSON, sorted; equal digests are equal rows. The lake has seen what a lake sees:
 * demo events of all kinds, columns that changed in mid-stream, compaction, thinning.
 */
import { strictEqual } from "node:assert/strict";
import { AT_REST, settled, startProgram } from "../../program.ts";
import { runCommand } from "../../commands/run_command.ts";
import { partitionOf } from "../../../lib/log/topics.ts";

/** What each reader is given: which table, from where, at which snapshot (null: now). */
export interface Reading {
  table: string;
  metadata: string;
  snapshot: number | null;
}

export interface ForeignLake {
  /** Of the catalog, without `/v1`. */
  uri: string;
  readings: readonly Reading[];
}

const EVENTS = 3_000;

/** The lake is there, and its catalog served, while `use` runs. */
export async function withUsedLake(use: (lake: ForeignLake) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  // What the program does by itself would make of "now" another one for each reader.
  const env = { DATA_DIR: folder, CHECKPOINT_MS: "500", ...AT_REST };
  const program = await startProgram({ env });
  try {
    const command = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCommand(args, env);
      strictEqual(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    };
    await command("produce", "--count", String(EVENTS), "--from", minutesAgo(30), "--to", minutesAgo(20));
    await settled(program.url);
    await command("evolve", "transaction", "add", "tier", "int");
    await send(program.url, "before", { tier: 1 });
    await settled(program.url);
    await command("compact", "--full");
    await command("evolve", "transaction", "widen", "tier", "long");
    await command("evolve", "transaction", "rename", "tier", "level");
    await command("evolve", "sensor_reading", "drop", "battery");
    await send(program.url, "after", { level: 2 ** 40, unknown: { deep: [1] } });
    await settled(program.url);
    await command("models");
    await command("expire");
    await use({ uri: `${program.url}/iceberg`, readings: await readingsOf(program.url) });
    await command("audit");
  } finally {
    await program.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** One event in every partition, so that each has met every change. */
async function send(url: string, id: string, fields: Record<string, unknown>): Promise<void> {
  const users = [0, 1, 2, 3].map((partition) => {
    for (let i = 0;; i++) if (partitionOf(`u${i}`, 4) === partition) return `u${i}`;
  });
  const events = users.map((user_id) => ({
    event_id: `${id}-${user_id}`,
    timestamp: Date.now(),
    user_id,
    amount: "12.34",
    currency: "EUR",
    status: "completed",
    ...fields,
  }));
  const answer = await fetch(`${url}/ingest/transaction`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  strictEqual(answer.status, 202, await answer.text());
}

/** Each table now, at its oldest snapshot, and at one in the middle. */
async function readingsOf(url: string): Promise<Reading[]> {
  const ask = async (path: string) => await (await fetch(url + path)).json();
  const tables: { name: string; kind: string; metadata_location: string }[] =
    (await ask("/api/tables?limit=1000")).items.filter((one: { kind: string }) => one.kind === "table");
  const readings: Reading[] = [];
  for (const { name, metadata_location: metadata } of tables) {
    const { items } = await ask(`/api/tables/${name}/snapshots?limit=1000`);
    const ids: number[] = items.map((one: { snapshot_id: string | number }) => Number(one.snapshot_id));
    const past = new Set([ids.at(-1), ids[Math.floor(ids.length / 2)]].filter((id) => id !== undefined));
    for (const snapshot of [null, ...past]) readings.push({ table: name, metadata, snapshot });
  }
  return readings;
}

function minutesAgo(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString();
}

/** In Python: `digest(rows)` of dictionaries, alike for every reader's way to say a value. */
export const DIGEST = `
import datetime, decimal, glob, hashlib, json, os, sys
args = json.loads(sys.argv[1])
def plain(value):
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return sorted([str(key), plain(one)] for key, one in value.items())
    if isinstance(value, (list, tuple)):
        if all(isinstance(one, tuple) and len(one) == 2 and not hasattr(one, "asDict") for one in value):
            return plain(dict(value))
        return [plain(one) for one in value]
    return value
def digest(rows):
    lines = sorted(json.dumps(plain(row), sort_keys=True) for row in rows)
    return [len(lines), hashlib.sha256("\\n".join(lines).encode()).hexdigest()]
def each(read):
    return [digest(read(one["table"], one["metadata"], one["snapshot"])) for one in args["readings"]]
`;

export const BY_PYICEBERG = `${DIGEST}
from pyiceberg.catalog import load_catalog
from pyiceberg.table import StaticTable
catalog = load_catalog("millrace", type="rest", uri=args["uri"], warehouse="any")
rows = lambda table, snapshot: table.scan(snapshot_id=snapshot).to_arrow().to_pylist()
print(json.dumps({
    "catalog": each(lambda name, metadata, snapshot: rows(catalog.load_table(name), snapshot)),
    "files": each(lambda name, metadata, snapshot: rows(StaticTable.from_metadata(metadata), snapshot)),
}))
`;

export const BY_DUCKDB = `${DIGEST}
import duckdb
db = duckdb.connect(config={"autoinstall_known_extensions": "false"})
for name in ["httpfs", "avro", "iceberg"]:
    package = __import__("duckdb_extension_" + name)
    db.execute("LOAD '" + glob.glob(os.path.dirname(package.__file__) + "/extensions/*/*.duckdb_extension")[0] + "'")
db.execute("ATTACH '' AS lake (TYPE iceberg, ENDPOINT '" + args["uri"] + "', AUTHORIZATION_TYPE 'none')")
def by_catalog(name, metadata, snapshot):
    at = "" if snapshot is None else f" AT (VERSION => {snapshot})"
    return db.sql(f"SELECT * FROM lake.{name}{at}").fetch_arrow_table().to_pylist()
def by_file(name, metadata, snapshot):
    path = metadata.replace("file://", "")
    at = "" if snapshot is None else f", snapshot_from_id = {snapshot}"
    return db.sql(f"SELECT * FROM iceberg_scan('{path}'{at})").fetch_arrow_table().to_pylist()
print(json.dumps({"catalog": each(by_catalog), "files": each(by_file)}))
`;
