/** A small lake of one table with two snapshots, whose data files are plain bytes, for tests of routes over it. */
import { commitUpdate } from "../../lib/iceberg/commit.ts";
import type { DataFile } from "../../lib/iceberg/data_file.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { dataKey, tableLocation } from "../../lib/iceberg/paths.ts";
import { restCatalog } from "../../lib/iceberg/rest_answers.ts";
import { newTableMetadata } from "../../lib/iceberg/update.ts";
import type { LakeParts } from "../../routes/app.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { handClock } from "./test_app.ts";

export const PREFIX = "lake/";
export const NAME = { stage: "processed", name: "transactions" };
export const FILE_BYTES = 700_000;
const START_MS = 1_800_000_000_000;

export interface TestLake {
  parts: LakeParts;
  store: MemoryStore;
  clock: ReturnType<typeof handClock>;
  /** Names of the data files, oldest first, as they stand after `/lake/`. */
  names: string[];
  /** Makes a snapshot with one more file, without the files named. */
  commit(name: string, removed?: readonly string[]): Promise<void>;
}

export async function testLake(): Promise<TestLake> {
  const store = new MemoryStore();
  const clock = handClock(START_MS);
  const catalog = fileCatalog(store, { prefix: PREFIX, clock });
  const columns = [
    { name: "user_id", type: "string", doc: "Who paid." },
    { name: "event_time", type: "timestamp", doc: "When." },
    { name: "amount", type: "decimal(18, 4)", doc: "How much." },
  ] as const;
  const location = tableLocation(store, PREFIX, NAME);
  await catalog.create(NAME, newTableMetadata({ uuid: "u", location, columns, partition: [], at: START_MS }));
  const names: string[] = [];
  const commit = async (name: string, removed: readonly string[] = []) => {
    clock.advance(60_000);
    const key = dataKey(PREFIX, NAME, name);
    await store.create(key, fileBytes());
    names.push(key.slice(PREFIX.length));
    const added = [dataFile(store.uri(key))];
    const gone = removed.map((one) => store.uri(PREFIX + one));
    const operation = removed.length > 0 ? "replace" as const : "append" as const;
    const plan = () => ({ operation, added, removed: gone });
    await commitUpdate({ catalog, store, name: NAME, clock, plan });
  };
  await commit("first");
  await commit("second");
  const rest = restCatalog(catalog, { clientConfig: {}, namespaces: ["raw", "processed", "analytics"] });
  const views = () => [
    { name: "analytics.user_minute", sql: "SELECT 1 AS n", doc: "A view." },
    {
      name: "analytics.early",
      sql: "SELECT * FROM processed.transactions, analytics.to_come",
      doc: "A view.",
    },
  ];
  return { parts: { catalog, store, prefix: PREFIX, views, rest }, store, clock, names, commit };
}

/** Byte i is i modulo 251. */
export function fileBytes(): Uint8Array {
  return Uint8Array.from({ length: FILE_BYTES }, (_, i) => i % 251);
}

function dataFile(path: string): DataFile {
  const stats = (id: number, lower: string, upper: string) => ({
    id,
    lower,
    upper,
    null_count: 0,
    value_count: 3,
  });
  return {
    path,
    record_count: 3,
    size_bytes: FILE_BYTES,
    partition: {},
    column_stats: [
      stats(1, "user_1", "user_9"),
      stats(2, "2026-01-31T09:30:00.123456", "2026-01-31T10:00:00.000000"),
      stats(3, "-12.3400", "99.0000"),
    ],
  };
}
