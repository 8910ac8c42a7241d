/** Makes the engine's errors readable: some it says as a sentence, some as JSON around one. Pure. */

/** The batches, with errors on the way made readable. */
export async function* readable<T>(batches: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* batches;
  } catch (error) {
    throw readableError(error);
  }
}

/** The engine says some faults as JSON; people get its sentence, in the form that all other faults have. */
export function readableError(error: unknown): Error {
  const message = (error instanceof Error ? error.message : String(error)).replace(/^Error: /, "");
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
