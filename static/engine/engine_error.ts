/** Makes the engine's errors readable: some it says as a sentence, some as JSON around one. Pure. */
import { messageOf } from "../../lib/errors.ts";

/** The batches, with errors on the way made readable. */
export async function* readable<T>(batches: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* batches;
  } catch (error) {
    throw readableError(error);
  }
}

/** The engine of the page cannot do it; another DuckDB can. */
export class NeedsExtension extends Error {
  override name = "NeedsExtension";
}

function missingExtension(message: string): string | null {
  if (!/Extension|extension/.test(message)) return null;
  return /(?:required extension |extension )['"]?(icu|spatial|fts|inet|excel|sqlite_scanner|postgres_scanner|httpfs|iceberg|delta|avro|vss|tpch|tpcds)\b/i
    .exec(message)?.[1].toLowerCase() ?? null;
}

/** The engine says some faults as JSON; people get its sentence, in the form that all other faults have. */
export function readableError(error: unknown): Error {
  const message = messageOf(error).replace(/^Error: /, "");
  const missing = missingExtension(message);
  if (missing !== null) {
    const sentence =
      `This needs DuckDB's extension ${missing}, which the page does not have; the server may.`;
    return new NeedsExtension(sentence, { cause: error });
  }
  if (!message.startsWith('{"exception_type"')) return new Error(message, { cause: error });
  try {
    const said: unknown = JSON.parse(message);
    const { exception_type, exception_message } = said as {
      exception_type: string;
      exception_message: string;
    };
    return new Error(`${exception_type} Error: ${exception_message}`, { cause: error });
  } catch {
    return new Error(message, { cause: error });
  }
}
