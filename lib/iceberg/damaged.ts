/** Objects of the table format that were cut or hold other bytes than were written: a Fault that names the object. */
import { Fault, messageOf } from "../errors.ts";

/** What `decode` gives; whatever it throws is about the bytes of the object at `path`, which somebody may bring back. */
export function decodedFrom<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("object_damaged", `Cannot read ${path}: it is damaged (${messageOf(error)})`, {
      blame: "dependency",
      retry: "after_backoff",
      cause: error,
    });
  }
}
