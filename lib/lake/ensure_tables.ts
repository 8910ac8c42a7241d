/** Makes the tables that do not exist yet, empty, so that every reader finds them from the first moment. */
import type { Catalog } from "../iceberg/catalog.ts";
import { tablePrefix } from "../iceberg/paths.ts";
import { newTableMetadata } from "../iceberg/update.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableSpec } from "./tables.ts";

export interface EnsureOptions {
  catalog: Catalog;
  store: ObjectStore;
  specs: readonly TableSpec[];
  prefix: string;
  now: () => number;
}

export async function ensureTables({ catalog, store, specs, prefix, now }: EnsureOptions): Promise<void> {
  await Promise.all(specs.map(async (spec) => {
    const name = parseTableKey(spec.key);
    if (await catalog.load(name)) return;
    const day = spec.day_column;
    await catalog.create(
      name,
      newTableMetadata({
        uuid: crypto.randomUUID(),
        location: store.uri(tablePrefix(prefix, name).slice(0, -1)),
        columns: spec.columns,
        partition: day === null ? [] : [{ column: day, transform: "day" }],
        properties: { comment: spec.doc },
        at: now(),
      }),
    );
  }));
}
