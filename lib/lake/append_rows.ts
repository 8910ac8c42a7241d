/** Rows that no record of the log stands for, appended to a table of their own in one commit: deliveries, results of checks. */
import { zstdCompressSync } from "node:zlib";
import { type Clock, systemClock } from "../clock.ts";
import type { Row } from "../event/column.ts";
import { Fault } from "../errors.ts";
import type { Catalog } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import { COLLECTED } from "../iceberg/update.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { ensureTables } from "./ensure_tables.ts";
import { evolutionOf } from "./evolution.ts";
import type { Lander } from "./lander.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableSpec } from "./tables.ts";

export interface AppendContext {
  store: ObjectStore;
  catalog: Catalog;
  lander: Lander;
  prefix: string;
  clock?: Clock;
}

const TRIES = 5;

/** Makes the table where it is missing. Rows stand there once this resolved, and perhaps when it rejected. */
export async function appendRows(
  context: AppendContext,
  spec: TableSpec,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const { store, catalog, lander, prefix, clock = systemClock } = context;
  const name = parseTableKey(spec.key);
  await ensureTables({ catalog, store, specs: [spec], prefix, now: () => clock.now() });
  const text = rows.map((row) => JSON.stringify(row) + "\n").join("");
  const plain = new TextEncoder().encode(text);
  const bytes = new Uint8Array(zstdCompressSync(plain));
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const { metadata } = (await catalog.load(name))!;
    const schema_version = evolutionOf(metadata).length;
    const piece = { bytes, schema_version, rows: rows.length, longest_row_bytes: plain.length };
    const added = await lander.land(spec, metadata, [piece]);
    const committed = await commitUpdate({
      catalog,
      store,
      clock,
      name,
      // Files written before a collection may be what it took for garbage.
      plan: (base) =>
        base.metadata.properties[COLLECTED] === metadata.properties[COLLECTED]
          ? { operation: "append", added }
          : null,
    });
    if (committed) return;
  }
  throw new Fault("append_contended", `Cannot append to ${spec.key}: it is collected again and again`, {
    blame: "dependency",
    retry: "after_backoff",
  });
}
