/**
 * The SQL engine in the page, behind few words of our own: the one file that names DuckDB-WASM.
 *
 * What it hides, each seen to happen: `query()` loses errors in mid-result, so everything is sent and streamed;
 * `instantiate()` hangs for ever where the policy forbids WebAssembly, so it has a deadline; only the `eh` bundle is
 * sound; without the ICU extension the clock's functions fail, so they are macros over a time that we set.
 */
import { messageOf } from "../../lib/errors.ts";
import * as duckdb from "@duckdb/duckdb-wasm";
import type { RecordBatch, Schema } from "./arrow.ts";
import { readable, readableError } from "./engine_error.ts";

const START_DEADLINE_MS = 45_000;

export interface EngineAssets {
  /** Address of the worker script and of the WebAssembly module, both of our origin. */
  worker: string;
  module: string;
  /** Address under which the engine finds its extensions. */
  extensions: string;
}

export interface Stream {
  schema: Schema;
  batches: AsyncIterable<RecordBatch>;
}

/** One DuckDB in one worker with one connection: one statement at a time. */
export interface Engine {
  /** DuckDB's version, `v1.5.1`. */
  readonly version: string;
  /** Takes the bytes over: the buffer is moved to the worker and empty here afterwards. */
  registerBuffer(name: string, bytes: Uint8Array): Promise<void>;
  /** Read by ranges when a query asks for them. */
  registerUrl(name: string, url: string): Promise<void>;
  /** Bytes of a file that were read by ranges so far. */
  bytesRead(name: string): Promise<number>;
  dropFile(name: string): Promise<void>;
  readFile(name: string): Promise<Uint8Array>;
  /** Makes a table of an Arrow stream. */
  insertArrow(table: string, stream: Uint8Array): Promise<void>;
  /** Runs one statement; rows come in batches, and the first error rejects wherever it happens. */
  send(sql: string): Promise<Stream>;
  /** Asks the running statement to end; may do nothing for a long time, so follow it with `terminate`. */
  cancel(): Promise<void>;
  /** Ends the worker at once. Every promise of this engine that was not settled stays so. */
  terminate(): void;
}

export async function startEngine(assets: EngineAssets): Promise<Engine> {
  const worker = new Worker(assets.worker);
  const database = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
  const starting = open(database, assets);
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener(
      "error",
      (event) => reject(new Error(event.message || "the worker cannot be loaded")),
    );
    setTimeout(() => reject(new Error("no answer within 45 s")), START_DEADLINE_MS);
  });
  try {
    return await Promise.race([starting, failed]);
  } catch (error) {
    worker.terminate();
    throw new Error(`Cannot start the SQL engine: ${messageOf(error)}`);
  }
}

async function open(database: duckdb.AsyncDuckDB, assets: EngineAssets): Promise<Engine> {
  const absolute = (address: string) => new URL(address, location.href).href;
  await database.instantiate(absolute(assets.module));
  await database.open({
    query: { castBigIntToDouble: false },
    filesystem: { forceFullHTTPReads: false, reliableHeadRequests: true, allowFullHTTPReads: false },
  });
  const connection = await database.connect();
  for (const sql of setup(absolute(assets.extensions))) await drain(await connection.send(sql));
  const { HTTP } = duckdb.DuckDBDataProtocol;
  return {
    version: await database.getVersion(),
    registerBuffer: (name, bytes) => database.registerFileBuffer(name, bytes),
    registerUrl: async (name, url) => {
      await database.registerFileURL(name, absolute(url), HTTP, false);
      await database.collectFileStatistics(name, true);
    },
    bytesRead: async (name) => {
      const { totalFileReadsCold, totalFileReadsAhead } = await database.exportFileStatistics(name);
      return totalFileReadsCold + totalFileReadsAhead;
    },
    dropFile: async (name) => void await database.dropFile(name),
    readFile: (name) => database.copyFileToBuffer(name),
    insertArrow: (name, stream) =>
      connection.insertArrowFromIPCStream(stream, { name, schema: "main", create: true }),
    send: async (sql) => {
      try {
        const reader = await connection.send(sql);
        // Opened before anything is read, so that a result without rows has its columns too.
        await reader.open();
        return { schema: reader.schema, batches: readable(reader) };
      } catch (error) {
        throw readableError(error);
      }
    },
    cancel: async () => void await connection.cancelSent(),
    terminate: () => void database.terminate(),
  };
}

/** JSON loads itself when a statement uses it; Parquet is needed at once. */
function setup(extensions: string): string[] {
  return [
    `SET custom_extension_repository = '${extensions.replaceAll("'", "''")}'`,
    "LOAD parquet",
    "SET memory_limit = '1500MB'",
  ];
}

async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of batches);
}
