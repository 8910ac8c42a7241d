/** The engine's own files, by the name under which the page asks for them; the one place that finds them in npm. */
export const ENGINE_FILES: Readonly<Record<string, string>> = {
  "engine.worker.js": import.meta.resolve("@duckdb/duckdb-wasm/dist/duckdb-browser-eh.worker.js"),
  "engine.wasm": import.meta.resolve("@duckdb/duckdb-wasm/dist/duckdb-eh.wasm"),
};
