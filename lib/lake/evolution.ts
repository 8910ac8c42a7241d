/**
 * The changes of a kind's columns (event/column_change.ts) as its table keeps them: the list stands in the table's
 * properties, with the Iceberg schema that was current before each change, and both move in one metadata commit.
 *
 *   changes     0         1         2              rows that know n changes have the names of the schema
 *   schemas    s0 ── s1 ─ s2 ────── s3 ── s4       before change n: s1, s2, s4
 *                 ▲ the program added a column ▲
 */
import { z } from "zod";
import { Fault } from "../errors.ts";
import {
  addedColumns,
  type AddedTo,
  type ColumnChange,
  goesOnFrom,
  retiredNames,
  SchemaBody,
} from "../event/column_change.ts";
import type { Kind } from "../event/kind.ts";
import type { Catalog } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import { currentSchema, type IcebergField, schemaById, type TableMetadata } from "../iceberg/metadata.ts";
import { evolveSchema, setProperties } from "../iceberg/update.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { parseTableKey } from "./table_key.ts";

export const EVOLUTION = "millrace.evolution";

const Entries = z.array(z.object({
  change: SchemaBody.shape.changes.element,
  /** The schema that was current before it. */
  from_schema: z.number().int(),
}));

function entriesOf({ properties }: TableMetadata): z.infer<typeof Entries> {
  const text = properties[EVOLUTION];
  return text === undefined ? [] : Entries.parse(JSON.parse(text));
}

export function evolutionOf(metadata: TableMetadata): readonly ColumnChange[] {
  return entriesOf(metadata).map((entry) => entry.change);
}

/** Those of the kind's table as it is now; none where there is no table. */
export async function changesOf(
  catalog: Pick<Catalog, "load">,
  { table }: Pick<Kind, "table">,
): Promise<readonly ColumnChange[]> {
  const loaded = await catalog.load({ stage: "processed", name: table });
  return loaded === null ? [] : evolutionOf(loaded.metadata);
}

/** What rules and windows may name besides the fields of kinds, as the tables are now. */
export function addedIn(catalog: Pick<Catalog, "load">): AddedTo {
  return (kinds) =>
    Promise.all(kinds.map(async (kind) => addedColumns(kind, await changesOf(catalog, kind))));
}

/** Columns of the program that the table no longer has under their name. */
export function retiredColumns(metadata: TableMetadata): ReadonlySet<string> {
  return retiredNames(evolutionOf(metadata));
}

/**
 * The fields of rows that know so many changes, by the names they have in these rows. A type that was widened since
 * reads them too. A column that came later may be in them all the same, when the program knew it before the table did;
 * under a name that was another column's it is not.
 */
export function writtenFields(metadata: TableMetadata, version: number): IcebergField[] {
  const entries = entriesOf(metadata);
  if (version > entries.length) throw unknownVersion(metadata, version, entries.length);
  const then = schemaById(metadata, entries[version]?.from_schema ?? metadata["current-schema-id"]).fields;
  const now = new Map(currentSchema(metadata).fields.map((field) => [field.id, field]));
  const [ids, names] = [new Set(then.map((field) => field.id)), new Set(then.map((field) => field.name))];
  const later = [...now.values()].filter((field) => !ids.has(field.id) && !names.has(field.name));
  return [...then.map((field) => ({ ...field, type: now.get(field.id)?.type ?? field.type })), ...later];
}

/** The metadata with what it lacks of `changes`; the same object when it lacks nothing. */
export function withChanges(
  metadata: TableMetadata,
  changes: readonly ColumnChange[],
  now: number,
): TableMetadata {
  const there = evolutionOf(metadata);
  if (goesOnFrom(changes, there)) return metadata;
  if (!goesOnFrom(there, changes)) throw parted(metadata);
  return changes.slice(there.length).reduce((base, change) => {
    const entries = [...entriesOf(base), { change, from_schema: base["current-schema-id"] }];
    return setProperties(evolveSchema(base, [change], now), { [EVOLUTION]: JSON.stringify(entries) }, now);
  }, metadata);
}

export interface EvolutionContext {
  catalog: Catalog;
  store: ObjectStore;
  now: () => number;
}

/** Makes the changes in the table that it lacks; any number may try. */
export async function evolveTable(
  { catalog, store, now }: EvolutionContext,
  key: string,
  changes: readonly ColumnChange[],
): Promise<void> {
  const name = parseTableKey(key);
  await commitUpdate({
    catalog,
    store,
    name,
    plan: ({ metadata }) => {
      const next = withChanges(metadata, changes, now());
      return next === metadata ? null : { metadata: next };
    },
  });
}

function unknownVersion({ location }: TableMetadata, version: number, there: number): Fault {
  const state = `its rows know ${version} changes of its columns, the table has ${there}`;
  return new Fault("schema_unknown", `Cannot publish into ${location}: ${state}`, {
    blame: "us",
    retry: "after_refresh",
  });
}

function parted({ location }: TableMetadata): Fault {
  return new Fault(
    "schema_parted",
    `Cannot change the columns of ${location}: other changes were made there than are told here`,
    { blame: "sender", retry: "never" },
  );
}
