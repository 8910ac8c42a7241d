/** Tables that still name the place from which the lake was moved, and how they are brought to where it is now. */
import type { Clock } from "../clock.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import { tableLocation } from "../iceberg/paths.ts";
import { relocate } from "../iceberg/relocate.ts";
import type { ObjectStore } from "../store/object_store.ts";

export interface RelocationContext {
  catalog: Catalog;
  store: ObjectStore;
  clock: Clock;
  prefix: string;
}

export interface Misplaced {
  table: LoadedTable;
  /** Where its folder is now. */
  location: string;
}

export async function misplacedTables({ catalog, store, prefix }: RelocationContext): Promise<Misplaced[]> {
  const tables = await Promise.all((await catalog.list()).map((name) => catalog.load(name)));
  return tables.filter((table) => table !== null)
    .map((table) => ({ table, location: tableLocation(store, prefix, table.name) }))
    .filter(({ table, location }) => table.metadata.location !== location);
}

/** The number of manifests written anew; 0 when somebody else moved the table meanwhile. */
export async function relocateTable(
  { catalog, store, clock }: RelocationContext,
  { table, location }: Misplaced,
): Promise<number> {
  let manifests = 0;
  const newId = () => crypto.randomUUID();
  await commitUpdate({
    catalog,
    store,
    clock,
    name: table.name,
    plan: async (base) => {
      manifests = 0;
      if (base.metadata.location === location) return null;
      const moved = await relocate({ store, clock, newId }, base, location);
      manifests = moved.manifests;
      return { metadata: moved.metadata };
    },
  });
  return manifests;
}
