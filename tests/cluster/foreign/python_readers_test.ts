/** Tables that we write, read by PyIceberg and by DuckDB's own Iceberg reader: from the metadata file and through REST. */
import assert from "node:assert/strict";
import { type CommitOptions, commitUpdate } from "../../../lib/iceberg/commit.ts";
import type { DataFile } from "../../../lib/iceberg/data_file.ts";
import { fileCatalog } from "../../../lib/iceberg/file_catalog.ts";
import { currentSchema, currentSpec } from "../../../lib/iceberg/metadata.ts";
import { dataKey, tableLocation } from "../../../lib/iceberg/paths.ts";
import { restCatalog } from "../../../lib/iceberg/rest_answers.ts";
import { readFiles } from "../../../lib/iceberg/live_files.ts";
import { evolveSchema, fenceProperties, newTableMetadata } from "../../../lib/iceberg/update.ts";
import { ndjsonRelation } from "../../../lib/parquet/ndjson.ts";
import { parquetRelation } from "../../../lib/parquet/relation.ts";
import { dataFile } from "../../../lib/parquet/statistics.ts";
import { openTempWriter } from "../../parquet/temp_writer.ts";
import type { ObjectStore } from "../../../lib/store/object_store.ts";
import { openS3Store } from "../../../lib/store/s3_store.ts";
import { openTempDiskStore } from "../../store/temp_disk_store.ts";
import { runPython } from "../python.ts";
import { startS3Server } from "../s3_server.ts";

const NAME = { stage: "processed", name: "things" };
const EMPTY = { stage: "processed", name: "empty" };
const PREFIX = "lake/";
const COLUMNS = [
  { name: "event_id", type: "string", doc: "Who." },
  { name: "event_time", type: "timestamp" },
  { name: "amount", type: "decimal(18, 4)" },
  { name: "small", type: "int" },
  { name: "flag", type: "boolean" },
  { name: "tags", type: { list: "string" } },
  { name: "headers", type: { map: "string" } },
  { name: "place", type: { struct: [{ name: "lat", type: "double" }] } },
];

/** Where a lake lies, and what a reader must know to get there. */
interface Place extends AsyncDisposable {
  store: ObjectStore;
  clientConfig: Record<string, string>;
}

async function onDisk(): Promise<Place> {
  const { store, [Symbol.asyncDispose]: dispose } = await openTempDiskStore();
  return { store, clientConfig: {}, [Symbol.asyncDispose]: dispose };
}

async function onS3(): Promise<Place> {
  const server = await startS3Server();
  const store = openS3Store(server.options("lake"));
  const clientConfig = {
    "s3.endpoint": server.endpoint,
    "s3.path-style-access": "true",
    "s3.region": "us-east-1",
    "client.region": "us-east-1",
    "s3.access-key-id": server.access_key_id,
    "s3.secret-access-key": server.secret_access_key,
  };
  return {
    store,
    clientConfig,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

interface Lake extends AsyncDisposable {
  clientConfig: Record<string, string>;
  catalog: ReturnType<typeof fileCatalog>;
  commit(plan: CommitOptions["plan"]): Promise<number>;
  /** Rows as stored files, one a day. */
  land(rows: readonly unknown[]): Promise<DataFile[]>;
  /** All live files rewritten as one a day. */
  compact(): Promise<number>;
  metadataPath(): Promise<string>;
}

async function openLake(open: () => Promise<Place>): Promise<Lake> {
  const stack = new AsyncDisposableStack();
  const temp = stack.use(await openTempWriter());
  const { store, clientConfig } = stack.use(await open());
  const catalog = fileCatalog(store, { prefix: PREFIX });
  for (const name of [NAME, EMPTY]) {
    await catalog.create(
      name,
      newTableMetadata({
        uuid: crypto.randomUUID(),
        location: tableLocation(store, PREFIX, name),
        columns: COLUMNS,
        partition: [{ column: "event_time", transform: "day" }],
        at: Date.now(),
      }),
    );
  }
  const load = async () => (await catalog.load(NAME))!;
  const commit: Lake["commit"] = async (plan) => {
    const table = await commitUpdate({ catalog, store, name: NAME, plan });
    return table!.metadata["current-snapshot-id"] ?? -1;
  };
  const write = async (select: string): Promise<DataFile[]> => {
    const { metadata } = await load();
    const table = { fields: currentSchema(metadata).fields, spec: currentSpec(metadata) };
    const written = await temp.writer.write({
      select,
      columns: table.fields,
      order_by: ["event_id"],
      day_column: "event_time",
      folder: temp.folder,
    });
    return await Promise.all(written.map(async (file) => {
      const key = dataKey(PREFIX, NAME, crypto.randomUUID(), `day=${file.day}`);
      assert.equal(await store.createFromFile(key, file.path), "created");
      return dataFile(file, store.uri(key), table);
    }));
  };
  const fields = async () => currentSchema((await load()).metadata).fields;
  return {
    catalog,
    clientConfig,
    commit,
    land: async (rows) => await write(ndjsonRelation({ paths: [await temp.ndjson(rows)] }, await fields())),
    async compact() {
      const live = await readFiles(store, (await load()).metadata);
      const paths = await Promise.all(live.map(async (file, i) => {
        const path = `${temp.folder}/live-${i}.parquet`;
        assert.ok(await store.readToFile(store.keyOf(file.path)!, path));
        return path;
      }));
      const added = await write(parquetRelation(paths, await fields()));
      return await commit(() => ({ operation: "replace", added, removed: live.map((file) => file.path) }));
    },
    metadataPath: async () => (await load()).metadata_location,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const row = (i: number, more = {}) => ({
  event_id: `e${String(i).padStart(4, "0")}-${"long".repeat(8)}`,
  event_time: `2026-01-${String(1 + i % 3).padStart(2, "0")}T12:00:00.${String(i).padStart(6, "0")}`,
  amount: `${i}.2500`,
  small: i,
  flag: i % 2 === 0,
  tags: ["a", null],
  headers: { k: "v" },
  place: { lat: i / 8 },
  ...more,
});

const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));

/** What both readers are asked, in Python. */
const PYICEBERG = `
import json, sys
from pyiceberg.table import StaticTable
args = json.loads(sys.argv[1])
if "uri" in args:
    from pyiceberg.catalog import load_catalog
    catalog = load_catalog("rest", type="rest", uri=args["uri"])
    assert catalog.list_namespaces() == [("raw",), ("processed",), ("analytics",)], catalog.list_namespaces()
    assert sorted(catalog.list_tables("processed")) == [("processed", "empty"), ("processed", "things")]
    assert catalog.load_table("processed.empty").scan().to_arrow().num_rows == 0
    try:
        catalog.load_table("processed.nothing")
        raise AssertionError("found a table that is not there")
    except Exception as error:
        assert type(error).__name__ == "NoSuchTableError", error
    table = catalog.load_table("processed.things")
else:
    table = StaticTable.from_metadata(args["metadata"])
def answers(snapshot=None, **options):
    rows = table.scan(snapshot_id=snapshot, **options).to_arrow()
    amounts = rows.column("amount").to_pylist() if "amount" in rows.column_names else []
    return [rows.num_rows, str(sum(amounts))]
table.inspect.snapshots(); table.inspect.files(); table.inspect.manifests(); table.inspect.entries()
print(json.dumps({
    "now": answers(),
    "then": [answers(snapshot) for snapshot in args["snapshots"]],
    "columns": table.scan().to_arrow().column_names,
    "one_day": answers(row_filter="event_time >= '2026-01-02T00:00:00' and event_time < '2026-01-03T00:00:00'"),
    "one_day_files": len(list(table.scan(row_filter="event_time >= '2026-01-02T00:00:00' and event_time < '2026-01-03T00:00:00'").plan_files())),
    "one_id_files": len(list(table.scan(row_filter=args["one_id"]).plan_files())),
    "all_files": len(list(table.scan().plan_files())),
    "first": table.scan().to_arrow().sort_by(args["key"]).slice(0, 1).to_pylist()[0],
}, default=str))
`;

const DUCKDB = `
import duckdb, glob, json, os, sys
args = json.loads(sys.argv[1])
db = duckdb.connect(config={"autoinstall_known_extensions": "false"})
for name in ["httpfs", "avro", "iceberg"]:
    package = __import__("duckdb_extension_" + name)
    db.execute("LOAD '" + glob.glob(os.path.dirname(package.__file__) + "/extensions/*/*.duckdb_extension")[0] + "'")
if "uri" in args:
    db.execute("ATTACH '' AS lake (TYPE iceberg, ENDPOINT '" + args["uri"] + "', AUTHORIZATION_TYPE 'none')")
    assert db.sql("SELECT count(*) FROM lake.processed.empty").fetchone() == (0,)
    source = lambda snapshot: "lake.processed.things" + ("" if snapshot is None else f" AT (VERSION => {snapshot})")
else:
    source = lambda snapshot: "iceberg_scan('" + args["metadata"] + "'" + ("" if snapshot is None else f", snapshot_from_id = {snapshot}") + ")"
def answers(snapshot=None, where="true"):
    count, total = db.sql(f"SELECT count(*), coalesce(sum(amount), 0) FROM {source(snapshot)} WHERE {where}").fetchone()
    return [count, str(total)]
print(json.dumps({
    "now": answers(),
    "then": [answers(snapshot) for snapshot in args["snapshots"]],
    "columns": db.sql(f"SELECT * FROM {source(None)}").columns,
    "one_day": answers(None, "event_time >= '2026-01-02' and event_time < '2026-01-03'"),
}, default=str))
`;

interface Answers {
  now: [number, string];
  then: [number, string][];
  columns: string[];
  one_day: [number, string];
  one_day_files?: number;
  one_id_files?: number;
  all_files?: number;
  first?: Record<string, unknown>;
}

/** The sum of i + 0.25 for i in from..to-1, as a decimal of four places. */
function total(from: number, to: number): string {
  const quarters = (from + to - 1) * (to - from) * 2 + (to - from);
  return (quarters / 4).toFixed(4);
}

/** Serves the catalog as the product does. */
function serve(lake: Lake) {
  const rest = restCatalog(lake.catalog, {
    clientConfig: lake.clientConfig,
    namespaces: ["raw", "processed", "analytics"],
  });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const segments = new URL(request.url).pathname.split("/").slice(2).map(decodeURIComponent);
    const { status, body } = await rest.answer(request.method, segments);
    return body === null ? new Response(null, { status }) : Response.json(body, { status });
  });
  return { uri: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

async function ask(lake: Lake, snapshots: readonly number[], key: { name: string; id: string }) {
  await using served = serve(lake);
  const metadata = (await lake.metadataPath()).replace("file://", "");
  const args = { snapshots, key: key.name, one_id: `${key.name} = '${key.id}'` };
  // Straight from the metadata file only where that needs no key.
  const ways = metadata.startsWith("/")
    ? [{ ...args, metadata }, { ...args, uri: served.uri }]
    : [{ ...args, uri: served.uri }];
  const all: { reader: string; answers: Answers }[] = [];
  for (const way of ways) {
    const how = "uri" in way ? "REST" : "metadata file";
    all.push({ reader: `PyIceberg by ${how}`, answers: await runPython(PYICEBERG, way) as Answers });
    all.push({ reader: `DuckDB by ${how}`, answers: await runPython(DUCKDB, way) as Answers });
  }
  return all;
}

async function readEverything(open: () => Promise<Place>): Promise<void> {
  await using lake = await openLake(open);
  const first = await lake.land(rows(0, 300));
  const snapshots = [
    await lake.commit(() => ({ operation: "append", added: first, properties: { applied: "1" } })),
  ];
  const second = await lake.land(rows(300, 400));
  snapshots.push(await lake.commit(() => ({ operation: "append", added: second })));
  snapshots.push(await lake.compact());
  snapshots.push(
    await lake.commit(({ metadata }) => ({
      operation: "append",
      added: [],
      properties: fenceProperties(metadata),
    })),
  );
  const then = [[300, total(0, 300)], ...Array(3).fill([400, total(0, 400)])];
  const id = row(0).event_id;
  for (const { reader, answers } of await ask(lake, snapshots, { name: "event_id", id })) {
    assert.deepEqual(answers.now, [400, total(0, 400)], reader);
    assert.deepEqual(answers.then, then, reader);
    assert.equal(answers.one_day[0], 133, reader);
    assert.deepEqual(answers.columns, COLUMNS.map((column) => column.name), reader);
    if (answers.first) {
      assert.deepEqual([answers.all_files, answers.one_day_files, answers.one_id_files], [3, 1, 1], reader);
      assert.deepEqual(answers.first.tags, ["a", null]);
      assert.deepEqual(answers.first.place, { lat: 0 });
      assert.equal(answers.first.event_time, "2026-01-01 12:00:00");
    }
  }

  await lake.commit(({ metadata }) => ({
    metadata: evolveSchema(metadata, [
      { change: "rename", name: "event_id", to: "who" },
      { change: "widen", name: "small", type: "long" },
      { change: "widen", name: "amount", type: "decimal(20, 4)" },
      { change: "drop", name: "flag" },
      { change: "add", column: { name: "flag", type: "string" } },
    ], Date.now()),
  }));
  const late = rows(400, 500).map(({ event_id, ...rest }) => ({
    ...rest,
    who: event_id,
    small: "9007199254740993",
    flag: "yes",
  }));
  const third = await lake.land(late);
  snapshots.push(await lake.commit(() => ({ operation: "append", added: third })));
  for (const { reader, answers } of await ask(lake, snapshots, { name: "who", id })) {
    assert.deepEqual(answers.now, [500, total(0, 500)], reader);
    assert.deepEqual(answers.then, [...then, [500, total(0, 500)]], reader);
    assert.deepEqual(
      answers.columns,
      ["who", "event_time", "amount", "small", "tags", "headers", "place", "flag"],
      reader,
    );
    if (answers.first) assert.equal(answers.first.flag, null, reader);
  }

  snapshots.push(await lake.compact());
  for (const { reader, answers } of await ask(lake, snapshots, { name: "who", id })) {
    assert.deepEqual(answers.then, [...then, ...Array(2).fill([500, total(0, 500)])], reader);
  }
}

for (const [where, open] of [["a disk", onDisk], ["S3", onS3]] as const) {
  Deno.test(`PyIceberg and DuckDB read appends, a replace, a fence, changes of the schema: on ${where}`, () =>
    readEverything(open));
}
