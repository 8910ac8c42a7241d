/** What an error of the operating system means to those who use the disk store. */
import { Fault, type Retry } from "../errors.ts";

const MEANINGS: Readonly<Record<string, { code: string; state: string; retry: Retry }>> = {
  ENOSPC: { code: "store_full", state: "the disk is full", retry: "after_backoff" },
  EDQUOT: { code: "store_full", state: "the disk quota is used up", retry: "after_backoff" },
  EROFS: { code: "store_forbidden", state: "the file system is read-only", retry: "never" },
  EACCES: { code: "store_forbidden", state: "the operating system forbids it", retry: "never" },
  EPERM: { code: "store_forbidden", state: "the operating system forbids it", retry: "never" },
  EXDEV: {
    code: "store_split",
    state: "its folder lies on another file system than the root of the store",
    retry: "never",
  },
};

/** Runs `act`, and turns errors of the operating system (they carry a code) into Faults. The rest passes as it is. */
export async function orFault<T>(verb: string, thing: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const code = systemCode(error);
    if (code === null) throw error;
    const { code: faultCode, state, retry } = MEANINGS[code] ??
      { code: "store_unavailable", state: `the disk answered ${code}`, retry: "after_backoff" };
    throw new Fault(faultCode, `Cannot ${verb} ${thing}: ${state}`, {
      blame: "dependency",
      retry,
      cause: error,
    });
  }
}

/** The same, with null where no such file is. */
export async function unlessMissing<T>(
  verb: string,
  thing: string,
  act: () => Promise<T | null>,
): Promise<T | null> {
  return await orFault(verb, thing, async () => {
    try {
      return await act();
    } catch (error) {
      const code = systemCode(error);
      // A folder is no object, and nothing lies below an object.
      if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return null;
      throw error;
    }
  });
}

/** The code of an error of the operating system; null for any other. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || error instanceof Fault) return null;
  const code = "code" in error ? error.code : null;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : null;
}
