/** Questions in SQL over the lake: finds the snapshots of the tables that a text names, and hands their files to the engine. */
import { Fault } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { readFiles } from "../iceberg/live_files.ts";
import { findSnapshot, type SnapshotChoice } from "../iceberg/snapshot.ts";
import type { ParquetAnswer, QueryEngine, QueryResult, Relation } from "../query/engine.ts";
import { type KnownRelation, relationsNamed } from "../query/relations.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { parseTableKey, tableKey } from "./table_key.ts";
import type { LakeView } from "./views.ts";

export interface Question {
  sql: string;
  limit: number;
  /** A snapshot id of one of the named tables; the others are read as they were at its time. */
  snapshot?: number;
  /** Milliseconds since 1970: every table as it was then. */
  as_of?: number;
}

/** Local copies of data files, for stores that engines cannot read by path. */
export interface LocalFiles {
  /** Paths that stay readable until the lease is disposed. */
  leaseAll(
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ readonly paths: readonly string[] } & Disposable>;
}

export interface QuestionsContext {
  catalog: Catalog;
  store: ObjectStore;
  engine: QueryEngine;
  views: readonly LakeView[];
  /** null where the store's own paths can be read. */
  files: LocalFiles | null;
}

export class Questions {
  constructor(private readonly context: QuestionsContext) {}

  async ask(question: Question, signal?: AbortSignal): Promise<QueryResult> {
    await using stack = new AsyncDisposableStack();
    const relations = await this.relations(question, stack, signal);
    return await this.context.engine.run({ sql: question.sql, relations, limit: question.limit }, signal);
  }

  /** The same answer as one Parquet file. */
  async askParquet(question: Question, signal?: AbortSignal): Promise<ParquetAnswer> {
    await using stack = new AsyncDisposableStack();
    const relations = await this.relations(question, stack, signal);
    const { sql, limit } = question;
    return await this.context.engine.runToParquet({ sql, relations, limit }, signal);
  }

  /** What `question` needs to see. Leases of local copies go onto `stack`. */
  async relations(
    question: Question,
    stack: AsyncDisposableStack,
    signal?: AbortSignal,
  ): Promise<Relation[]> {
    const { catalog, views } = this.context;
    const names = await catalog.list();
    const known: KnownRelation[] = [...names.map((name) => ({ name: tableKey(name) })), ...views];
    const named = relationsNamed(question.sql, known);
    const tables = await this.#load(named.filter((one) => one.sql === undefined));
    const choice = choiceOf(question, tables);
    return await Promise.all(named.map(async (one): Promise<Relation> => {
      if (one.sql !== undefined) return { kind: "view", name: one.name, sql: one.sql };
      return await this.#files(tables.get(one.name)!, choice, { stack, signal });
    }));
  }

  async #load(named: readonly KnownRelation[]): Promise<Map<string, LoadedTable>> {
    const loaded = await Promise.all(named.map(({ name }) => this.context.catalog.load(parseTableKey(name))));
    return new Map(loaded.filter((table) => table !== null).map((table) => [tableKey(table.name), table]));
  }

  async #files(
    table: LoadedTable,
    choice: SnapshotChoice,
    { stack, signal }: { stack: AsyncDisposableStack; signal?: AbortSignal },
  ): Promise<Relation> {
    const { metadata } = table;
    const { store, files } = this.context;
    const snapshot = findSnapshot(metadata, choice);
    const schema_id = snapshot?.["schema-id"] ?? metadata["current-schema-id"];
    const columns = metadata.schemas.find((one) => one["schema-id"] === schema_id)!.fields;
    const live = snapshot ? await readFiles(store, metadata, snapshot["snapshot-id"]) : [];
    const keys = live.map((file) => store.keyOf(file.path)).filter((key) => key !== null);
    const relation = { kind: "files" as const, name: tableKey(table.name), columns };
    if (files === null) return { ...relation, paths: keys.map((key) => store.localPath(key)!) };
    return { ...relation, paths: stack.use(await files.leaseAll(keys, signal)).paths };
  }
}

function choiceOf(question: Question, tables: ReadonlyMap<string, LoadedTable>): SnapshotChoice {
  const { snapshot, as_of } = question;
  if (snapshot === undefined) return as_of === undefined ? {} : { as_of };
  for (const { metadata } of tables.values()) {
    const found = findSnapshot(metadata, { snapshot });
    if (found) return tables.size === 1 ? { snapshot } : { as_of: found["timestamp-ms"] };
  }
  throw new Fault(
    "no_such_snapshot",
    `Cannot read snapshot ${snapshot}: no table that the query names has it`,
    {
      blame: "sender",
      retry: "never",
    },
  );
}
