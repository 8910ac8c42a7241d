/**
 * Makes the tables that do not exist yet, empty, so that every reader finds them from the first moment, and gives those
 * that exist the columns that are new.
 *
 * Called before any row can need them: a column is in the table before the record that brings it into force is on the log.
 */
import { Fault } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import { currentSchema, type IcebergType } from "../iceberg/metadata.ts";
import { tableLocation } from "../iceberg/paths.ts";
import { canWiden, missingColumns, numberFields, type SchemaChange } from "../iceberg/schema.ts";
import { evolveSchema, newTableMetadata } from "../iceberg/update.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { retiredColumns } from "./evolution.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableSpec } from "./tables.ts";

export interface EnsureOptions {
  catalog: Catalog;
  store: ObjectStore;
  specs: readonly TableSpec[];
  prefix: string;
  now: () => number;
}

export async function ensureTables(options: EnsureOptions): Promise<void> {
  await Promise.all(options.specs.map((spec) => ensureTable(spec, options)));
}

/** Rejects where `ensureTables` would for the columns' sake, and changes nothing. */
export async function checkTables(
  { catalog, specs }: Pick<EnsureOptions, "catalog" | "specs">,
): Promise<void> {
  await Promise.all(specs.map(async (spec) => {
    const table = await catalog.load(parseTableKey(spec.key));
    if (table) newColumns(spec, table);
  }));
}

async function ensureTable(spec: TableSpec, options: EnsureOptions): Promise<void> {
  const { catalog, store, prefix, now } = options;
  const name = parseTableKey(spec.key);
  const location = tableLocation(store, prefix, name);
  const table = await catalog.load(name);
  if (table) {
    refuseElsewhere(table, location);
    if (newColumns(spec, table).length === 0) return;
    await commitUpdate({
      catalog,
      store,
      name,
      plan: (base) => ({ metadata: evolveSchema(base.metadata, newColumns(spec, base), now()) }),
    });
    return;
  }
  const day = spec.day_column;
  await catalog.create(
    name,
    newTableMetadata({
      uuid: crypto.randomUUID(),
      location,
      columns: spec.columns,
      partition: day === null ? [] : [{ column: day, transform: "day" }],
      properties: { comment: spec.doc },
      at: now(),
    }),
  );
}

/** What the table lacks of its columns. One that changed into another type cannot be the same column. */
function newColumns(spec: TableSpec, { metadata }: LoadedTable): SchemaChange[] {
  const { fields } = currentSchema(metadata);
  const retired = retiredColumns(metadata);
  const columns = spec.columns.filter((column) => !retired.has(column.name));
  const widened: SchemaChange[] = [];
  for (const { name, type: wanted } of numberFields(columns).fields) {
    const found = fields.find((field) => field.name === name);
    if (!found || isPart(wanted, found.type)) continue;
    if (typeof wanted !== "string" || !canWiden(found.type, wanted)) {
      throw changedType(spec.key, name, { from: found.type, to: wanted });
    }
    widened.push({ change: "widen", name, type: wanted });
  }
  return [...missingColumns(fields, columns), ...widened];
}

/** Whether values of `wanted` fit into a column of type `there`; nested ids do not matter. */
function isPart(wanted: IcebergType, there: IcebergType): boolean {
  return typeof wanted === "string" ? canWiden(wanted, there) : typeof there !== "string";
}

function changedType(
  key: string,
  column: string,
  { from, to }: { from: IcebergType; to: IcebergType },
): Fault {
  return new Fault(
    "column_changed",
    `Cannot make ${column} of ${key} a ${JSON.stringify(to)}: the table has it as ${
      JSON.stringify(from)
    }; give it another name`,
    { blame: "sender", retry: "never" },
  );
}

export function refuseElsewhere({ name, metadata }: LoadedTable, location: string): void {
  if (metadata.location === location) return;
  throw new Fault(
    "table_elsewhere",
    `Cannot use table ${name.stage}.${name.name}: its metadata names ${metadata.location}, but the lake is at ${location}. ` +
      "After a move, main.ts relocate rewrites the addresses",
    { blame: "us", retry: "never" },
  );
}
