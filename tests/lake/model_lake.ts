/** A whole lake on disk whose tables take rows straight from SQL, for models to be run over. */
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { readFiles } from "../../lib/iceberg/live_files.ts";
import { currentSchema } from "../../lib/iceberg/metadata.ts";
import { kindsOf } from "../../lib/event/kinds.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import { Lander } from "../../lib/lake/lander.ts";
import type { ModelsContext } from "../../lib/lake/models.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { lakeTables } from "../../lib/lake/tables.ts";
import { lakeViews } from "../../lib/lake/views.ts";
import { duckdbType, quoteName } from "../../lib/parquet/duckdb_type.ts";
import { parquetRelation } from "../../lib/parquet/relation.ts";
import { openParquetWriter } from "../../lib/parquet/writer.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";

const PREFIX = "lake/";
const SPECS = lakeTables(kindsOf(), []);

export interface ModelLake extends AsyncDisposable {
  context: ModelsContext;
  /** One commit with the columns that `select` gives; the others are null. */
  insert(table: string, select: string): Promise<void>;
  rows(table: string, sql?: (relation: string) => string): Promise<unknown[][]>;
}

export async function openModelLake(): Promise<ModelLake> {
  await using building = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  building.defer(() => Deno.remove(folder, { recursive: true }));
  const store = building.use(openDiskStore(folder));
  const writer = building.use(
    await openParquetWriter({ memory_bytes: 2 ** 28, threads: 1, temp_directory: `${folder}/duckdb` }),
  );
  const catalog = fileCatalog(store, { prefix: PREFIX });
  const lander = new Lander({ store, writer, prefix: PREFIX, folder: `${folder}/landing` });
  await ensureTables({ catalog, store, specs: SPECS, prefix: PREFIX, now: Date.now });
  const context = {
    store,
    catalog,
    writer,
    lander,
    prefix: PREFIX,
    views: lakeViews(kindsOf(), []),
    files: null,
  };
  const stack = building.move();
  return {
    context,
    insert: (table, select) => insert(context, table, select),
    async rows(table, sql = (relation) => `FROM ${relation} ORDER BY ALL`) {
      const { metadata } = (await catalog.load(parseTableKey(table)))!;
      const paths = (await readFiles(store, metadata)).map(({ path }) =>
        store.localPath(store.keyOf(path)!)!
      );
      return (await writer.query(sql(`(${parquetRelation(paths, currentSchema(metadata).fields)})`))).rows;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function insert({ catalog, store, writer, lander }: ModelsContext, table: string, select: string) {
  const spec = SPECS.find(({ key }) => key === table)!;
  const { name, metadata } = (await catalog.load(parseTableKey(table)))!;
  const columns = currentSchema(metadata).fields;
  const given = (await writer.query(select)).columns.map((column) => column.name);
  const cells = columns.map(({ name, type }) =>
    `CAST(${given.includes(name) ? quoteName(name) : "NULL"} AS ${duckdbType(type)}) AS ${quoteName(name)}`
  );
  await lander.inFolder(async (folder) => {
    const { order_by, day_column } = spec;
    const rows = `SELECT ${cells.join(", ")} FROM (${select})`;
    const written = await writer.write({ select: rows, columns, order_by, day_column, folder });
    const added = await lander.store(spec, metadata, written);
    await commitUpdate({ catalog, store, name, plan: () => ({ operation: "append", added }) });
  });
}
