/** The lake as commands see it: opened from settings, beside a running server or without one. */
import { systemClock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { loadConfiguration } from "../lib/configuration.ts";
import { connectCatalog, connectEngine, connectFiles, openStore } from "../lib/connect.ts";
import type { Catalog, LoadedTable } from "../lib/iceberg/catalog.ts";
import { Questions } from "../lib/lake/questions.ts";
import { parseTableKey } from "../lib/lake/table_key.ts";
import { lakeViews } from "../lib/lake/views.ts";
import { SEARCH_PATH } from "../lib/query/allowed_tree.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";
import { addedInLake } from "./added_columns.ts";
import { needLake } from "./lake_place.ts";

export interface OpenLake extends AsyncDisposable {
  store: ObjectStore;
  catalog: Catalog;
  questions: Questions;
}

const QUERY_SCRIPT = new URL("../workers/query.ts", import.meta.url);

/** A Fault where there is none. */
export async function openLake(settings: Settings): Promise<OpenLake> {
  await needLake(settings);
  await using building = new AsyncDisposableStack();
  const store = building.use(await openStore(settings));
  const configuration = await loadConfiguration(settings, { added: addedInLake(settings) });
  const catalog = connectCatalog(settings, store);
  const engine = building.use(
    await connectEngine(settings, QUERY_SCRIPT, (_, words) => console.error(words)),
  );
  const questions = new Questions({
    catalog,
    store,
    engine,
    views: lakeViews(configuration.kinds, configuration.windows),
    files: building.use(await connectFiles(settings, store)),
    timeout_ms: settings.QUERY_TIMEOUT_MS,
    clock: systemClock,
  });
  const stack = building.move();
  return { store, catalog, questions, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** By its full name, or by its own one alone, as in a query. */
export async function tableOf(catalog: Catalog, key: string): Promise<LoadedTable | null> {
  const keys = key.includes(".") ? [key] : SEARCH_PATH.map((stage) => `${stage}.${key}`);
  for (const one of keys) {
    const table = await catalog.load(parseTableKey(one));
    if (table) return table;
  }
  return null;
}
