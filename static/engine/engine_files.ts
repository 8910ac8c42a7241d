/**
 * The engine's own files, by the name under which the page asks for them; the one place that knows where they come from.
 *
 * DuckDB-WASM 1.33.1-dev45.0 holds DuckDB 1.5.1, which reads Parquet and JSON by extensions that it loads from an
 * address and whose signature it checks. They are DuckDB's own builds (MIT licence) for exactly this version, kept here
 * compressed and pinned by their sha256, so that neither a build nor a page needs anybody's server.
 *
 * Why this one: 1.28.0 (DuckDB 0.9.1) starts in a fraction of the time and needs two thirds of the memory, but knows no
 * JSON, no time zones, no lambda with a name and no max(x, n); a build of 0.9.2 with JSON and ICU inside lacks the SQL
 * of the years since. This one lacks ICU alone, for which the page offers the server.
 */
export const ENGINE_FILES: Readonly<Record<string, string>> = {
  "engine.worker.js": import.meta.resolve("@duckdb/duckdb-wasm/dist/duckdb-browser-eh.worker.js"),
  "engine.wasm": import.meta.resolve("@duckdb/duckdb-wasm/dist/duckdb-eh.wasm"),
};

export interface EngineExtension {
  /** Where the engine looks for it under the address of the extensions. */
  path: string;
  /** Address of the file, compressed with brotli. */
  url: string;
  sha256: string;
}

const extension = (name: string, sha256: string): EngineExtension => ({
  path: `v1.5.1/wasm_eh/${name}.duckdb_extension.wasm`,
  url: new URL(`./extensions/${name}.duckdb_extension.wasm.br`, import.meta.url).href,
  sha256,
});

export const ENGINE_EXTENSIONS: readonly EngineExtension[] = [
  extension("json", "29844ad96567fbc1f05ff1d4d99a22c1e6723ba290e2e83f019f1777beb240f6"),
  extension("parquet", "82dc14353de0d518f5824a799e69aedcc05eea82ff1a8d1814715ecf72bfc951"),
];
