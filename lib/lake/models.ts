/**
 * Models made and kept fresh: each is one unpartitioned Iceberg table `analytics.<name>`, replaced whole in one commit.
 *
 *   what changed? ─► nothing: leave ─► select (all, or the days that changed and the rows of the others) ─► one file
 *                                                                      │
 *          the old table stays, and it is told ◄── a test fails ◄── tests on the new file ─► commit: old files out, new in
 *
 * The commit notes the snapshots of the sources it was made from, and is given up when the model moved meanwhile: two
 * runners may work beside each other.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import type { LoadedTable } from "../iceberg/catalog.ts";
import { commitUpdate } from "../iceberg/commit.ts";
import { readFiles } from "../iceberg/live_files.ts";
import { currentSchema, type IcebergField, type TableMetadata } from "../iceberg/metadata.ts";
import { tableLocation } from "../iceberg/paths.ts";
import { type ColumnLike, numberFields, type SchemaChange } from "../iceberg/schema.ts";
import { currentSnapshot } from "../iceberg/snapshot.ts";
import { COLLECTED, evolveSchema, newTableMetadata } from "../iceberg/update.ts";
import { columnTypeOf, duckdbType, quoteName } from "../parquet/duckdb_type.ts";
import { parquetRelation } from "../parquet/relation.ts";
import type { WrittenFile } from "../parquet/statistics.ts";
import type { Lander } from "./lander.ts";
import { type Change, changeOf, modelProperties } from "./model_changes.ts";
import type { Model } from "./model_file.ts";
import { fullSql, refreshSql, testSql } from "./model_sql.ts";
import { parseTableKey } from "./table_key.ts";
import type { TableLayout } from "./tables.ts";
import { type BenchContext, loadSources, snapshotsOf, type Tables, Workbench } from "./workbench.ts";

export interface ModelsContext extends BenchContext {
  lander: Lander;
  /** Key prefix of the tables. */
  prefix: string;
  clock?: Clock;
}

export interface ModelOptions {
  /** Makes everything whole, changed or not. */
  full?: boolean;
  /** Makes nothing, and tells what would be made. */
  dry_run?: boolean;
  signal?: AbortSignal;
}

export type ModelOutcome =
  | { model: string; state: "unchanged" }
  | { model: string; state: "due" }
  | { model: string; state: "made"; rows: number; ranges: number | null }
  /** The table is as it was. */
  | { model: string; state: "failed"; reason: string };

/** Refreshes the models in this order. One that fails does not keep the others from being made. */
export async function runModels(
  context: ModelsContext,
  models: readonly Model[],
  options: ModelOptions = {},
): Promise<ModelOutcome[]> {
  const outcomes: ModelOutcome[] = [];
  for (const model of models) {
    options.signal?.throwIfAborted();
    try {
      outcomes.push(await runModel(context, model, options));
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      outcomes.push({ model: model.name, state: "failed", reason: messageOf(error) });
    }
  }
  return outcomes;
}

async function runModel(context: ModelsContext, model: Model, options: ModelOptions): Promise<ModelOutcome> {
  const name = parseTableKey(model.table);
  const sources = await loadSources(context, model.reads);
  const existing = await context.catalog.load(name);
  const change = options.full ? "whole" : await changeOf(model, existing, { sources, store: context.store });
  if (change === "nothing") return { model: model.name, state: "unchanged" };
  if (options.dry_run) return { model: model.name, state: "due" };
  const extra = await loadSources(context, relationTables(model));
  const tables = new Map([...extra, ...sources]);
  if (existing) tables.set(model.table, existing);
  const names = [...model.reads, ...relationTables(model)];
  await using bench = await Workbench.open(context, tables, { names, signal: options.signal });
  const select = selectOf(model, change);
  const columns = await columnsOf(bench, select, model);
  const own = existing ?? await createTable(context, model, columns);
  const made = await makeFile(context, { model, bench, select, columns, own, sources }, options);
  if (made === null) return { model: model.name, state: "unchanged" };
  return { model: model.name, state: "made", rows: made, ranges: change === "whole" ? null : change.length };
}

function relationTables(model: Model): string[] {
  return model.tests.flatMap((test) =>
    test.kind === "relation" && test.table !== model.table ? [test.table] : []
  );
}

function selectOf(model: Model, change: Exclude<Change, "nothing">): string {
  return change === "whole"
    ? fullSql(model)
    : refreshSql(model, change, model.table.split(".").map(quoteName).join("."));
}

/** The columns of a SELECT, each of the type in which a table keeps its values. */
async function columnsOf(bench: Workbench, select: string, model: Model): Promise<ColumnLike[]> {
  const { columns } = await bench.ask(`SELECT * FROM (\n${select}\n) LIMIT 0`);
  return columns.map(({ name, type }) => {
    const kept = columnTypeOf(type);
    if (kept !== null) return { name, type: kept };
    throw new Fault("model_type", `Cannot make ${model.table}: no table keeps ${name} as ${type}`, {
      blame: "us",
      retry: "after_refresh",
    });
  });
}

async function createTable(
  { catalog, store, prefix, clock = systemClock }: ModelsContext,
  model: Model,
  columns: readonly ColumnLike[],
): Promise<LoadedTable> {
  const name = parseTableKey(model.table);
  const table = {
    uuid: crypto.randomUUID(),
    location: tableLocation(store, prefix, name),
    columns,
    partition: [],
    properties: { comment: model.doc },
    at: clock.now(),
  };
  return await catalog.create(name, newTableMetadata(table));
}

interface Work {
  model: Model;
  bench: Workbench;
  select: string;
  columns: readonly ColumnLike[];
  own: LoadedTable;
  sources: Tables;
}

/** The number of rows of the new table; null when somebody else changed the model meanwhile. */
async function makeFile(
  context: ModelsContext,
  work: Work,
  { signal }: ModelOptions,
): Promise<number | null> {
  const { model, bench, select, own } = work;
  // The fields as they will be: the table changes only after the tests have passed.
  const { fields } = currentSchema(withColumns(own.metadata, work.columns, 0));
  return await context.lander.inFolder(async (folder) => {
    const cast = fields.map(({ name, type }) =>
      `CAST(${quoteName(name)} AS ${duckdbType(type)}) AS ${quoteName(name)}`
    );
    const written = await context.writer.write({
      select: `SELECT ${cast.join(", ")} FROM (\n${select}\n)`,
      columns: fields,
      order_by: model.grain,
      day_column: null,
      folder,
      setup: bench.setup,
      signal,
    });
    await testFile(work, written, fields);
    return await commitFiles(context, work, written);
  });
}

/** The metadata with the columns that the model's text gives. */
function withColumns(metadata: TableMetadata, columns: readonly ColumnLike[], now: number): TableMetadata {
  return evolveSchema(metadata, schemaChanges(currentSchema(metadata).fields, columns), now);
}

/** A column of another type is another column: all rows are written anew. */
function schemaChanges(fields: readonly IcebergField[], columns: readonly ColumnLike[]): SchemaChange[] {
  const wanted = new Map(columns.map((column) => [column.name, column]));
  const typeText = (column: ColumnLike) => JSON.stringify(shape(numberFields([column]).fields[0]));
  const stays = (field: IcebergField) => {
    const column = wanted.get(field.name);
    return column !== undefined && typeText(column) === JSON.stringify(shape(field));
  };
  const kept = new Set(fields.filter(stays).map((field) => field.name));
  return [
    ...fields.filter((field) => !kept.has(field.name)).map(({ name }) => ({ change: "drop" as const, name })),
    ...columns.filter((column) => !kept.has(column.name)).map((column) => ({
      change: "add" as const,
      column,
    })),
  ];
}

/** Types of models are primitives and lists of them. */
function shape({ type }: IcebergField): unknown {
  return typeof type !== "string" && type.type === "list" ? [type.element] : type;
}

async function testFile(
  { model, bench }: Work,
  written: readonly WrittenFile[],
  fields: readonly IcebergField[],
): Promise<void> {
  await bench.show(model.table, parquetRelation(written.map((file) => file.path), fields));
  const failed: string[] = [];
  for (const { name, sql } of testSql(model)) {
    const { rows: [[count]] } = await bench.ask(sql);
    if (Number(count) > 0) failed.push(`"${name}" by ${count}`);
  }
  if (failed.length === 0) return;
  throw new Fault(
    "model_test_failed",
    `Cannot replace ${model.table}: its tests fail: ${failed.join(", ")}`,
    {
      blame: "us",
      retry: "after_refresh",
    },
  );
}

/** New files in, old ones out, and the columns as the files have them, in one commit. */
async function commitFiles(
  { catalog, store, lander, clock = systemClock }: ModelsContext,
  { model, own, columns, sources }: Work,
  written: readonly WrittenFile[],
): Promise<number | null> {
  const layout: TableLayout = { key: model.table, day_column: null, order_by: model.grain };
  const evolve = (metadata: TableMetadata) => withColumns(metadata, columns, clock.now());
  const added = await lander.store(layout, evolve(own.metadata), written);
  const before = currentSnapshot(own.metadata)?.["snapshot-id"];
  const committed = await commitUpdate({
    catalog,
    store,
    clock,
    name: own.name,
    plan: async ({ metadata }) => {
      // Files written before a collection may be what it took for garbage.
      if (metadata.properties[COLLECTED] !== own.metadata.properties[COLLECTED]) return null;
      if (currentSnapshot(metadata)?.["snapshot-id"] !== before) return null;
      if (metadata["current-schema-id"] !== own.metadata["current-schema-id"]) return null;
      return {
        operation: "overwrite",
        added,
        removed: (await readFiles(store, metadata)).map((file) => file.path),
        properties: { comment: model.doc, ...modelProperties(model, sources) },
        summary: { "millrace.sources": JSON.stringify(snapshotsOf(sources)) },
        evolve,
      };
    },
  });
  return committed === null ? null : added.reduce((rows, file) => rows + file.record_count, 0);
}
