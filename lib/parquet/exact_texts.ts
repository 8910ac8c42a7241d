/** Makes the engine's client give texts as they are stored: by itself it drops a byte order mark at the beginning of one. */
import accessors from "@duckdb/node-api/lib/vectors/dataAccessors.js";

/** Called before an engine is opened. A body that was refused for its mark must come back with it. */
export function giveTextsExactly(): void {
  Object.assign(accessors, { textDecoder: new TextDecoder("utf-8", { ignoreBOM: true }) });
}
