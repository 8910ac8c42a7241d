/**
 * The folder of an embedded log belongs to one program at a time: two would take each other's partitions away for ever.
 * The kernel holds the lock and lets go of it however the program ends, so that nothing has to be mended after a crash.
 */
import { Fault } from "../lib/errors.ts";

const LOCK = "running.lock";
/** A program that was killed may take a moment to be gone. */
const TRIES = 20;
const PAUSE_MS = 100;

/** Held until it is disposed of; a Fault that names the other program when there is one. */
export async function holdFolder(folder: string): Promise<Disposable> {
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/${LOCK}`;
  const file = await Deno.open(path, { read: true, write: true, create: true });
  for (let attempt = 1; !await file.tryLock(true); attempt++) {
    if (attempt === TRIES) {
      file.close();
      throw inUse(folder, await Deno.readTextFile(path));
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await file.truncate();
  await file.write(new TextEncoder().encode(String(Deno.pid)));
  return { [Symbol.dispose]: () => file.close() };
}

function inUse(folder: string, pid: string): Fault {
  const who = pid === "" ? "another program" : `another program (process ${pid})`;
  return new Fault(
    "folder_in_use",
    `Cannot start: ${who} works in ${folder} already. End it, or set DATA_DIR to another folder`,
    { blame: "dependency", retry: "never" },
  );
}
