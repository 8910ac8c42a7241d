/** Runs a statement whose answer is small and waits for all of it. */
import { Result } from "./result.ts";
import type { EngineSession } from "./session.ts";

/** To be called inside `session.exclusive`. A statement without rows gives an empty result. */
export async function collect(session: EngineSession, sql: string, signal?: AbortSignal): Promise<Result> {
  const made: Result[] = [];
  await session.run(sql, {
    signal,
    onSchema: (schema) => made.push(new Result(schema)),
    onBatch: (batch) => {
      made[0].add(batch);
      return true;
    },
  });
  if (made.length === 0) throw new Error("Cannot read the answer: the engine sent no columns");
  return made[0];
}

/** All cells as text, row by row. */
export function textRows(result: Result): (string | null)[][] {
  return Array.from(
    { length: result.rowCount },
    (_, row) => result.columns.map((_, column) => result.text(row, column)),
  );
}
