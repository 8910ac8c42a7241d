/** Questions about raw.events where no query process is: asked of the writer's own engine, over local copies. */
import type { Catalog } from "../iceberg/catalog.ts";
import { readFiles } from "../iceberg/live_files.ts";
import type { ParquetWriter } from "../parquet/writer.ts";
import { parquetRelation } from "../parquet/relation.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { RAW_EVENTS } from "../event/raw_event.ts";
import { filesSince, type RawScope } from "./audit.ts";
import { currentFields, type Lander } from "./lander.ts";
import { localCopies } from "./local_copies.ts";
import { parseTableKey } from "./table_key.ts";

export interface RawRowsContext {
  store: ObjectStore;
  catalog: Catalog;
  writer: ParquetWriter;
  lander: Lander;
}

export async function askRaw(
  { store, catalog, writer, lander }: RawRowsContext,
  sql: (raw: string) => string,
  { snapshot, since }: RawScope,
): Promise<readonly (readonly unknown[])[]> {
  const table = await catalog.load(parseTableKey(RAW_EVENTS));
  if (!table) return [];
  const files = filesSince(await readFiles(store, table.metadata, snapshot), since);
  return await lander.inFolder(async (folder) => {
    const paths = await localCopies(store, files, folder);
    const relation = `(${parquetRelation(paths, currentFields(table.metadata))})`;
    return (await writer.query(sql(relation))).rows;
  });
}
