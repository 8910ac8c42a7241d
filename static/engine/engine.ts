/**
 * The SQL engine in the page, behind few words of our own: the one file that names DuckDB-WASM.
 *
 * What it hides, each seen to happen with duckdb-wasm 1.28.0: `query()` loses errors in mid-result, so everything is
 * sent and streamed; `instantiate()` hangs for ever where the policy forbids WebAssembly, so it has a deadline; only the
 * `eh` bundle is sound.
 */
import * as duckdb from "@duckdb/duckdb-wasm";
import type { RecordBatch, Schema } from "apache-arrow";

const START_DEADLINE_MS = 30_000;

export interface EngineAssets {
  /** Address of the worker script and of the WebAssembly module, both of our origin. */
  worker: string;
  module: string;
}

export interface Stream {
  schema: Schema;
  batches: AsyncIterable<RecordBatch>;
}

/** One DuckDB in one worker with one connection: one statement at a time. */
export interface Engine {
  /** DuckDB's version, `v0.9.1`. */
  readonly version: string;
  /** Takes the bytes over: the buffer is moved to the worker and empty here afterwards. */
  registerBuffer(name: string, bytes: Uint8Array): Promise<void>;
  /** Read by ranges when a query asks for them. */
  registerUrl(name: string, url: string): Promise<void>;
  dropFile(name: string): Promise<void>;
  readFile(name: string): Promise<Uint8Array>;
  /** Runs one statement; rows come in batches, and the first error rejects wherever it happens. */
  send(sql: string): Promise<Stream>;
  /** Asks the running statement to end; may do nothing for a long time, so follow it with `terminate`. */
  cancel(): Promise<void>;
  /** Ends the worker at once. Every promise of this engine that was not settled stays so. */
  terminate(): void;
}

/** The addresses that the build wrote into the page. */
export function assetsOfPage(): EngineAssets {
  const content = (name: string) =>
    document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
  return { worker: content("engine-worker"), module: content("engine-module") };
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
    setTimeout(() => reject(new Error("no answer within 30 s")), START_DEADLINE_MS);
  });
  try {
    return await Promise.race([starting, failed]);
  } catch (error) {
    worker.terminate();
    throw new Error(`Cannot start the SQL engine: ${error instanceof Error ? error.message : error}`);
  }
}

async function open(database: duckdb.AsyncDuckDB, assets: EngineAssets): Promise<Engine> {
  const absolute = (address: string) => new URL(address, location.href).href;
  await database.instantiate(absolute(assets.module));
  await database.open({ query: { castBigIntToDouble: false }, filesystem: { allowFullHTTPReads: false } });
  const connection = await database.connect();
  const { HTTP } = duckdb.DuckDBDataProtocol;
  return {
    version: await database.getVersion(),
    registerBuffer: (name, bytes) => database.registerFileBuffer(name, bytes),
    registerUrl: (name, url) => database.registerFileURL(name, absolute(url), HTTP, false),
    dropFile: async (name) => void await database.dropFile(name),
    readFile: (name) => database.copyFileToBuffer(name),
    send: async (sql) => {
      const reader = await connection.send(sql);
      // Opened before anything is read, so that a result without rows has its columns too.
      await reader.open();
      return { schema: reader.schema, batches: reader };
    },
    cancel: async () => void await connection.cancelSent(),
    terminate: () => void database.terminate(),
  };
}
