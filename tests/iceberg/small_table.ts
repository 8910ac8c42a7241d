/** A table in memory to try changes on: files are only named, never written. */
import type { LoadedTable, TableName } from "../../lib/iceberg/catalog.ts";
import { type CommitOptions, commitUpdate } from "../../lib/iceberg/commit.ts";
import type { DataFile } from "../../lib/iceberg/data_file.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { tableLocation } from "../../lib/iceberg/paths.ts";
import { newTableMetadata } from "../../lib/iceberg/update.ts";
import { MemoryStore } from "../store/memory_store.ts";

export const NAME: TableName = { stage: "processed", name: "things" };
export const PREFIX = "lake/";

export interface SmallTable {
  store: MemoryStore;
  catalog: ReturnType<typeof fileCatalog>;
  location: string;
  /** Milliseconds; moves only when a test moves it. */
  clock: { now: () => number; sleep: () => Promise<void>; time: number };
  commit(plan: CommitOptions["plan"]): Promise<LoadedTable | null>;
  load(): Promise<LoadedTable>;
  file(name: string, day?: number): DataFile;
}

export async function openSmallTable(): Promise<SmallTable> {
  const store = new MemoryStore();
  const clock = { time: 0, now: () => clock.time, sleep: () => Promise.resolve() };
  const catalog = fileCatalog(store, { prefix: PREFIX, clock });
  const location = tableLocation(store, PREFIX, NAME);
  const columns = [{ name: "id", type: "long" }, { name: "at", type: "timestamp" }, {
    name: "text",
    type: "string",
  }];
  const partition = [{ column: "at", transform: "day" as const }];
  await catalog.create(NAME, newTableMetadata({ uuid: "u-1", location, columns, partition, at: 0 }));
  return {
    store,
    catalog,
    location,
    clock,
    commit: (plan) => commitUpdate({ catalog, store, name: NAME, plan, clock, random: () => 0 }),
    load: async () => (await catalog.load(NAME))!,
    file: (name, day = 20_000) => ({
      path: `${location}/data/${name}.parquet`,
      record_count: 10,
      size_bytes: 1000,
      partition: { at_day: day },
      column_stats: [
        { id: 1, lower: 1, upper: 9, null_count: 0, value_count: 10 },
        {
          id: 2,
          lower: "2024-10-04T00:00:00.000000",
          upper: "2024-10-04T23:00:00.000000",
          null_count: 0,
          value_count: 10,
        },
        { id: 3, lower: null, upper: null, null_count: 10, value_count: 10 },
      ],
    }),
  };
}
