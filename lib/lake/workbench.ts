/**
 * Tables of the lake under their names in a database of their own within the writer's DuckDB, each as it was at one
 * snapshot: what a model or a check reads does not move while it runs.
 */
import { Fault } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { readFiles } from "../iceberg/live_files.ts";
import { currentSchema } from "../iceberg/metadata.ts";
import { currentSnapshot } from "../iceberg/snapshot.ts";
import { quoteName } from "../parquet/duckdb_type.ts";
import type { ParquetWriter, QueryAnswer } from "../parquet/writer.ts";
import type { Relation } from "../query/engine.ts";
import { relationStatements } from "../query/relation_sql.ts";
import { type KnownRelation, relationsNamed } from "../query/relations.ts";
import { tokensOf } from "../query/sql_text.ts";
import type { ObjectStore } from "../store/object_store.ts";
import type { LocalFiles } from "./questions.ts";
import { parseTableKey, tableKey } from "./table_key.ts";
import type { LakeView } from "./views.ts";

export interface BenchContext {
  store: ObjectStore;
  catalog: Catalog;
  writer: ParquetWriter;
  views: readonly LakeView[];
  /** null where the store's own paths can be read. */
  files: LocalFiles | null;
}

/** By `stage.table`. */
export type Tables = ReadonlyMap<string, LoadedTable>;

/** Loads the tables that `names` stand on, views resolved; a Fault when one of them does not exist. */
export async function loadSources(context: BenchContext, names: readonly string[]): Promise<Tables> {
  const { known, tableNames } = await knownRelations(context);
  const missing = names.find((name) => !known.some((one) => one.name.toLowerCase() === name));
  if (missing !== undefined) throw missingSource(missing);
  const needed = relationsNamed(tokensOf(names.join(" ")), known).filter((one) => tableNames.has(one.name));
  const tables = await Promise.all(needed.map(({ name }) => context.catalog.load(parseTableKey(name))));
  const found = tables.filter((table) => table !== null);
  if (found.length < needed.length) throw missingSource(names.join(", "));
  return new Map(found.map((table) => [tableKey(table.name), table]));
}

/** Snapshot id of each table; 0 for one without rows ever. */
export function snapshotsOf(tables: Tables): Record<string, number> {
  const ids = [...tables].map(([key, { metadata }]): [string, number] => [
    key,
    currentSnapshot(metadata)?.["snapshot-id"] ?? 0,
  ]);
  return Object.fromEntries(ids.sort(([a], [b]) => a < b ? -1 : 1));
}

export class Workbench implements AsyncDisposable {
  /** Statements for a connection that is to see the tables. */
  readonly setup: readonly string[];

  private constructor(
    private readonly writer: ParquetWriter,
    private readonly database: string,
    private readonly leases: AsyncDisposableStack,
  ) {
    this.setup = [`USE ${database}`];
  }

  /** With the tables, and the views among `names`. */
  static async open(
    context: BenchContext,
    tables: Tables,
    { names, signal }: { names: readonly string[]; signal?: AbortSignal },
  ): Promise<Workbench> {
    await using leases = new AsyncDisposableStack();
    const relations = await relationsOf(context, tables, { names, leases, signal });
    const database = quoteName(`bench_${crypto.randomUUID()}`);
    const { writer } = context;
    await writer.query(`ATTACH ':memory:' AS ${database}`, { signal });
    leases.defer(async () => void await writer.query(`DETACH ${database}`));
    const statements = [`USE ${database}`, "CREATE SCHEMA analytics", ...relationStatements(relations)];
    await writer.query("SELECT 1", { setup: statements, signal });
    return new Workbench(writer, database, leases.move());
  }

  ask(sql: string, signal?: AbortSignal): Promise<QueryAnswer> {
    return this.writer.query(sql, { setup: this.setup, signal });
  }

  /** Shows `select` under a name, in place of what had it. */
  async show(name: string, select: string): Promise<void> {
    const qualified = name.split(".").map(quoteName).join(".");
    await this.ask(`CREATE OR REPLACE VIEW ${qualified} AS ${select}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leases.disposeAsync();
  }
}

async function knownRelations({ catalog, views }: BenchContext) {
  const tableNames = new Set((await catalog.list()).map(tableKey));
  const known: KnownRelation[] = [...[...tableNames].map((name) => ({ name })), ...views];
  return { known, tableNames };
}

async function relationsOf(
  { store, files, views }: BenchContext,
  tables: Tables,
  { names, leases, signal }: {
    names: readonly string[];
    leases: AsyncDisposableStack;
    signal?: AbortSignal;
  },
): Promise<Relation[]> {
  const shown = await Promise.all([...tables].map(async ([name, { metadata }]): Promise<Relation> => {
    const live = await readFiles(store, metadata);
    const keys = live.map((file) => store.keyOf(file.path)).filter((key) => key !== null);
    const columns = currentSchema(metadata).fields;
    if (files === null) {
      return {
        kind: "files",
        name,
        columns,
        paths: keys.map((key) => store.localPath(key)!),
      };
    }
    return { kind: "files", name, columns, paths: leases.use(await files.leaseAll(keys, signal)).paths };
  }));
  const known: KnownRelation[] = [...[...tables.keys()].map((name) => ({ name })), ...views];
  const named = relationsNamed(tokensOf(names.join(" ")), known);
  const viewed = named.filter((one) => one.sql !== undefined).map((one): Relation => ({
    kind: "view",
    name: one.name,
    sql: one.sql!,
  }));
  return [...shown, ...viewed];
}

function missingSource(name: string): Fault {
  return new Fault("source_missing", `Cannot read ${name}: there is no such table yet`, {
    blame: "us",
    retry: "after_refresh",
  });
}
