/**
 * Untrusted SQL on DuckDB in this process: each query gets an engine of its own that knows nothing else.
 *
 * Settings are fixed in the order in which each still may be, read back, and locked before the first word of the query
 * is looked at. The files of the query's relations are the only paths that the engine may open. What this cannot do is
 * stop a query that eats memory or time beside DuckDB's own accounts: for that the process is expendable.
 */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBResult,
} from "@duckdb/node-api";
import { Fault } from "../errors.ts";
import { giveTextsExactly } from "../parquet/exact_texts.ts";
import { cellOf } from "./cells.ts";
import { faultOfEngine } from "./duckdb_fault.ts";
import type { QueryColumn, QueryRequest } from "./engine.ts";
import { giveStructsExactly } from "./exact_structs.ts";
import { SEARCH_PATH } from "./allowed_tree.ts";
import { guard } from "./guard.ts";
import type { SessionLimits } from "./message.ts";
import { tooLarge } from "./refusal.ts";
import { quoteName, quoteText, relationStatements } from "./relation_sql.ts";

/** Takes the answer as it comes. */
export interface AnswerSink {
  columns(columns: readonly QueryColumn[]): Promise<void>;
  rows(rows: readonly (readonly unknown[])[]): Promise<void>;
}

/** Fixed for every query, in this order; read back before anything untrusted runs. */
const LOCKS: readonly (readonly [string, string])[] = [
  ["autoinstall_known_extensions", "false"],
  ["autoload_known_extensions", "false"],
  ["allow_community_extensions", "false"],
  ["allow_unsigned_extensions", "false"],
  ["allow_persistent_secrets", "false"],
];

/** Rows go out in messages of about this size, so that wide cells do not pile up. */
const MESSAGE_BYTES = 1024 ** 2;

export class DuckdbSession {
  #spare: Promise<Engine>;
  #running: Engine | null = null;

  constructor(private readonly limits: SessionLimits) {
    this.#spare = openEngine(limits);
  }

  /** Resolves when the next query can start at once; rejects when no safe engine can be made. */
  async ready(): Promise<void> {
    await this.#spare;
  }

  /** Rejects with a Fault. Says whether rows were left out because of `limit`. */
  async run(request: QueryRequest, sink: AnswerSink): Promise<{ truncated: boolean }> {
    const engine = await this.#spare;
    this.#running = engine;
    try {
      const sql = await prepare(engine.connection, request, this.limits, []);
      const result = await engine.connection.stream(sql);
      return await deliver(result, request.limit, this.limits.answer_bytes, sink);
    } catch (error) {
      throw faultOfRun(request, error);
    } finally {
      this.#renew(engine);
    }
  }

  /** Writes the answer as a Parquet file instead; the path lies in the process's own folder. Says whether it was cut. */
  async runToParquet(request: QueryRequest, path: string): Promise<{ truncated: boolean }> {
    const engine = await this.#spare;
    this.#running = engine;
    try {
      const sql = await prepare(engine.connection, request, this.limits, [path]);
      const limit = Math.trunc(request.limit);
      const written = await engine.connection.runAndReadAll(
        `COPY (SELECT * FROM (${sql}\n) LIMIT ${limit}) TO ${
          quoteText(path)
        } (FORMAT parquet, COMPRESSION zstd)`,
      );
      if (Number(written.getRows()[0][0]) < limit) return { truncated: false };
      // Full to the brim: only asking again tells whether something was left out.
      const more = await engine.connection.runAndReadAll(`SELECT 1 FROM (${sql}\n) LIMIT 1 OFFSET ${limit}`);
      return { truncated: more.currentRowCount > 0 };
    } catch (error) {
      throw faultOfRun(request, error);
    } finally {
      this.#renew(engine);
    }
  }

  interrupt(): void {
    this.#running?.connection.interrupt();
  }

  #renew(engine: Engine): void {
    this.#running = null;
    engine.connection.interrupt();
    engine.connection.closeSync();
    engine.instance.closeSync();
    this.#spare = openEngine(this.limits);
    // A failure shows at the next use; without this line it would also end the process as unhandled.
    this.#spare.catch(() => undefined);
  }
}

interface Engine {
  instance: DuckDBInstance;
  connection: DuckDBConnection;
}

async function openEngine(limits: SessionLimits): Promise<Engine> {
  giveTextsExactly();
  giveStructsExactly();
  const instance = await DuckDBInstance.create(":memory:", { threads: String(limits.threads) });
  const connection = await instance.connect();
  const settings: readonly (readonly [string, string])[] = [
    ...LOCKS,
    ["errors_as_json", "true"],
    ["TimeZone", "'UTC'"],
    ["temp_directory", quoteText(limits.temp_directory)],
    ["max_temp_directory_size", quoteText(`${limits.max_temp_bytes}B`)],
    ["memory_limit", quoteText(`${limits.buffer_bytes}B`)],
  ];
  for (const schema of SEARCH_PATH) await connection.run(`CREATE SCHEMA ${quoteName(schema)}`);
  for (const [name, value] of settings) await connection.run(`SET ${name} = ${value}`);
  await connection.run(`SET search_path = ${quoteText(SEARCH_PATH.join(","))}`);
  return { instance, connection };
}

/** Locks the engine on the query's files, judges the query, makes its relations; gives the text that may run. */
async function prepare(
  connection: DuckDBConnection,
  request: QueryRequest,
  limits: SessionLimits,
  writable: readonly string[],
): Promise<string> {
  const paths = request.relations.flatMap((relation) => relation.kind === "files" ? relation.paths : []);
  refuseForeign(paths, limits.allowed_directories);
  const allowed = [...paths, ...writable].map(quoteText).join(", ");
  await connection.run(`SET allowed_paths = [${allowed}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
  await readBack(connection);
  const names = request.relations.map((relation) => relation.name);
  const admitted = await guard(request.sql, names, async (sql) => {
    const reader = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [sql]);
    return String(reader.getRows()[0][0]);
  });
  for (const statement of relationStatements(request.relations)) await makeRelation(connection, statement);
  return admitted.sql;
}

/** Of many files the engine opens most only as it runs, and then calls one that is gone forbidden, as in `makeRelation`. */
function faultOfRun({ sql, relations }: QueryRequest, thrown: unknown): Fault {
  const fault = faultOfEngine(sql, thrown);
  const isOurs = relations.some((relation) =>
    relation.kind === "files" && relation.paths.some((path) => fault.message.includes(path))
  );
  // The guard's own refusals are Faults already.
  return fault.code === "refused" && isOurs && !(thrown instanceof Fault) ? fileGone(thrown) : fault;
}

function fileGone(cause: unknown): Fault {
  return new Fault("engine", "Cannot read the table: a file of its snapshot is gone", {
    blame: "dependency",
    retry: "after_refresh",
    cause,
  });
}

/**
 * A relation that cannot be made is never the sender's fault. Most often a file of an older snapshot is gone, which the
 * engine, forbidden to look around, calls forbidden: a fresh list of files helps.
 */
async function makeRelation(connection: DuckDBConnection, statement: string): Promise<void> {
  try {
    await connection.run(statement);
  } catch (error) {
    const fault = faultOfEngine("", error);
    if (fault.code === "limit" || fault.code === "timeout") throw fault;
    if (fault.code === "refused" || fault.retry === "after_refresh") throw fileGone(error);
    throw new Fault("engine", fault.message, { blame: "us", retry: "never", cause: error });
  }
}

function refuseForeign(paths: readonly string[], directories: readonly string[]): void {
  const roots = directories.map((directory) => directory.replace(/\/*$/, "/"));
  const foreign = paths.find((path) =>
    /(^|\/)\.\.(\/|$)/.test(path) || !roots.some((root) => path.startsWith(root))
  );
  if (foreign === undefined) return;
  throw new Fault("engine", `Cannot read ${foreign}: it lies outside the data folders`, {
    blame: "us",
    retry: "never",
  });
}

async function readBack(connection: DuckDBConnection): Promise<void> {
  const wanted = new Map([...LOCKS, ["enable_external_access", "false"], ["lock_configuration", "true"]]);
  const reader = await connection.runAndReadAll(
    `SELECT name, value FROM duckdb_settings() WHERE name IN (${
      [...wanted.keys()].map(quoteText).join(", ")
    })`,
  );
  const found = new Map(reader.getRows().map(([name, value]) => [String(name), String(value)]));
  for (const [name, value] of wanted) {
    if (found.get(name) !== value) {
      throw new Fault("engine", `Cannot run a query safely: ${name} is ${found.get(name)}`, {
        blame: "us",
        retry: "never",
      });
    }
  }
}

/** Passes rows on chunk by chunk until the answer's end, its row limit or its size limit. */
async function deliver(
  result: DuckDBResult,
  limit: number,
  maxBytes: number,
  sink: AnswerSink,
): Promise<{ truncated: boolean }> {
  const types = result.columnTypes();
  await sink.columns(result.columnNames().map((name, at) => ({ name, type: String(types[at]) })));
  let left = limit;
  let bytes = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return { truncated: false };
    const { rows, size_bytes } = rowsOf(chunk, left, maxBytes - bytes);
    bytes += size_bytes;
    const pieces = Math.max(1, Math.min(rows.length, Math.ceil(size_bytes / MESSAGE_BYTES)));
    const step = Math.ceil(rows.length / pieces);
    for (let at = 0; at < rows.length; at += step) await sink.rows(rows.slice(at, at + step));
    if (chunk.rowCount > left) return { truncated: true };
    left -= chunk.rowCount;
  }
}

/** The chunk's first rows as cells, column after column as the engine holds them. */
function rowsOf(chunk: DuckDBDataChunk, limit: number, maxBytes: number) {
  const rows: unknown[][] = Array.from({ length: Math.min(chunk.rowCount, limit) }, () => []);
  let size_bytes = 0;
  for (let column = 0; column < chunk.columnCount; column++) {
    chunk.visitColumnValues(column, (value, at) => {
      if (at >= rows.length) return;
      const cell = cellOf(value);
      size_bytes += sizeOf(cell);
      if (size_bytes > maxBytes) throw tooLarge();
      rows[at].push(cell);
    });
  }
  return { rows, size_bytes };
}

/** Characters of a cell in JSON, nearly; exact counting would cost a second serialisation. */
function sizeOf(cell: unknown): number {
  if (typeof cell === "string") return cell.length + 3 + (ESCAPED.test(cell) ? escapesIn(cell) : 0);
  if (typeof cell !== "object" || cell === null) return 8;
  let size = 2;
  for (const [key, item] of Object.entries(cell)) {
    size += (Array.isArray(cell) ? 0 : key.length + 4) + sizeOf(item);
  }
  return size;
}

// deno-lint-ignore no-control-regex
const ESCAPED = /["\\\u0000-\u001f]/;

/** What JSON adds at most: a sign before quotes and backslashes, six characters for each that cannot be seen. */
function escapesIn(text: string): number {
  let added = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20) added += 5;
    else if (code === 0x22 || code === 0x5c) added++;
  }
  return added;
}
