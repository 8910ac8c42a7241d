/** The engine's functions for completion, asked of the engine itself when it has nothing else to do. */
import { collect, textRows } from "../engine/collect.ts";
import type { EngineSession } from "../engine/session.ts";
import type { FunctionInfo } from "./completion.ts";

const ASK = `SELECT function_name, any_value(array_to_string(parameters, ', ')), any_value(description)
  FROM duckdb_functions()
  WHERE regexp_matches(function_name, '^[a-z][a-z0-9_]*$') AND function_type IN ('scalar', 'aggregate', 'table', 'macro')
    AND NOT regexp_matches(function_name, '^(pg_|duckdb_|pragma_|has_|parquet_|__)')
  GROUP BY ALL ORDER BY ALL`;

/** Empty when the engine does not answer: completion then goes without functions. */
export async function loadFunctions(session: EngineSession): Promise<FunctionInfo[]> {
  try {
    const rows = await session.exclusive(async () => textRows(await collect(session, ASK)));
    return rows.map(([name, parameters, description]) => ({
      name: name ?? "",
      detail: `(${(parameters ?? "").slice(0, 40)})`,
      description: description ?? "",
    }));
  } catch (error) {
    console.warn("Cannot list the engine's functions:", error);
    return [];
  }
}
