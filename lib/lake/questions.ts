/** Questions in SQL over the lake: finds the snapshots of the tables that a text names, and hands their files to the engine. */
import { Fault } from "../errors.ts";
import type { Catalog, LoadedTable } from "../iceberg/catalog.ts";
import { readFiles } from "../iceberg/live_files.ts";
import { namedBounds } from "../iceberg/named_bounds.ts";
import { findSnapshot, schemaSeen, type SnapshotChoice } from "../iceberg/snapshot.ts";
import type { Clock } from "../clock.ts";
import type { ParquetAnswer, QueryEngine, QueryRequest, QueryResult, Relation } from "../query/engine.ts";
import { type Condition, conditionsOf, mayHold, needsNoRows } from "../query/pruning.ts";
import { type KnownRelation, relationsNamed } from "../query/relations.ts";
import { type Token, tokensOf } from "../query/sql_text.ts";
import type { ObjectStore } from "../store/object_store.ts";
import { parseTableKey, tableKey } from "./table_key.ts";
import { type LakeView, viewsOver } from "./views.ts";

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
  catalog: Pick<Catalog, "list" | "load">;
  store: ObjectStore;
  engine: QueryEngine;
  views: readonly LakeView[];
  /** null where the store's own paths can be read. */
  files: LocalFiles | null;
  /** Longest time that fetching local copies may take; what was fetched by then is there the next time. */
  timeout_ms: number;
  clock: Clock;
}

export class Questions {
  constructor(private readonly context: QuestionsContext) {}

  async ask(question: Question, signal?: AbortSignal): Promise<QueryResult> {
    return await this.#answered(question, signal, (request) => this.context.engine.run(request, signal));
  }

  /** The same answer as one Parquet file. */
  async askParquet(question: Question, signal?: AbortSignal): Promise<ParquetAnswer> {
    return await this.#answered(
      question,
      signal,
      (request) => this.context.engine.runToParquet(request, signal),
    );
  }

  /** A list of files may be old by the time that they are read: then a new one is asked for, once. */
  async #answered<T>(
    question: Question,
    signal: AbortSignal | undefined,
    run: (request: QueryRequest) => Promise<T>,
  ): Promise<T> {
    const once = async () => {
      await using stack = new AsyncDisposableStack();
      const relations = await this.relations(question, stack, signal);
      return await run({ sql: question.sql, relations, limit: question.limit });
    };
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof Fault) || error.retry !== "after_refresh" || signal?.aborted) throw error;
      return await once();
    }
  }

  /** What `question` needs to see. Leases of local copies go onto `stack`. */
  async relations(
    question: Question,
    stack: AsyncDisposableStack,
    signal?: AbortSignal,
  ): Promise<Relation[]> {
    const names = new Set((await this.context.catalog.list()).map(tableKey));
    const known: KnownRelation[] = [
      ...[...names].map((name) => ({ name })),
      ...viewsOver(names, this.context.views),
    ];
    const tokens = tokensOf(question.sql);
    const named = relationsNamed(tokens, known);
    const tables = await this.#load(named.filter((one) => one.sql === undefined));
    const choiceFor = choices(question, tables);
    const wanted = needsNoRows(tokens) ? null : this.#conditions(tokens, named.length);
    return await Promise.all(named.map(async (one): Promise<Relation> => {
      if (one.sql !== undefined) return { kind: "view", name: one.name, sql: one.sql };
      const table = tables.get(one.name)!;
      return await this.#files(table, { choice: choiceFor(table), wanted }, { stack, signal });
    }));
  }

  /** With a second name in the text it is not sure whose columns the conditions mean. */
  #conditions(tokens: readonly Token[], names: number): Condition[] {
    return names === 1 ? conditionsOf(tokens, new Date(this.context.clock.now())) : [];
  }

  async #load(named: readonly KnownRelation[]): Promise<Map<string, LoadedTable>> {
    const loaded = await Promise.all(named.map(({ name }) => this.context.catalog.load(parseTableKey(name))));
    return new Map(loaded.filter((table) => table !== null).map((table) => [tableKey(table.name), table]));
  }

  /** The table's files at the snapshot that may hold rows for which all of `wanted` holds; null: no row is wanted. */
  async #files(
    table: LoadedTable,
    { choice, wanted }: { choice: SnapshotChoice; wanted: readonly Condition[] | null },
    { stack, signal }: { stack: AsyncDisposableStack; signal?: AbortSignal },
  ): Promise<Relation> {
    const { metadata } = table;
    const { store } = this.context;
    const snapshot = findSnapshot(metadata, choice);
    const columns = schemaSeen(metadata, choice, snapshot).fields;
    const live = snapshot && wanted ? await readFiles(store, metadata, snapshot["snapshot-id"]) : [];
    const types = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]));
    const needed = wanted?.length
      ? live.filter((file) => mayHold(namedBounds(file, columns), wanted, types))
      : live;
    const keys = needed.map((file) => store.keyOf(file.path)).filter((key) => key !== null);
    const paths = await this.#paths(keys, stack, signal);
    return { kind: "files", name: tableKey(table.name), columns, paths };
  }

  async #paths(
    keys: readonly string[],
    stack: AsyncDisposableStack,
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const { store, files, timeout_ms } = this.context;
    if (files === null) return keys.map((key) => store.localPath(key)!);
    const late = new AbortController();
    const fault = tooSlow(keys.length, timeout_ms);
    const timer = setTimeout(() => late.abort(fault), timeout_ms);
    try {
      const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
      return stack.use(await files.leaseAll(keys, either)).paths;
    } finally {
      clearTimeout(timer);
    }
  }
}

function tooSlow(count: number, timeout_ms: number): Fault {
  return new Fault(
    "timeout",
    `Cannot finish the query: fetching its ${count} files takes longer than ${timeout_ms} ms; ` +
      "those that came are kept, so that it gets further the next time",
    { blame: "sender", retry: "never" },
  );
}

/** Whose snapshot is chosen is read just there, also where another was made in the same millisecond. */
function choices(
  question: Question,
  tables: ReadonlyMap<string, LoadedTable>,
): (table: LoadedTable) => SnapshotChoice {
  const { snapshot, as_of } = question;
  if (snapshot === undefined) return () => as_of === undefined ? {} : { as_of };
  for (const owner of tables.values()) {
    const found = findSnapshot(owner.metadata, { snapshot });
    if (found) return (table) => table === owner ? { snapshot } : { as_of: found["timestamp-ms"] };
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
