/**
 * Folders for what is on its way: gone after use, and where a process died in between, with the next one that is opened.
 *
 *   <root>/scratch-<uuid>.lock    locked as long as the folder is in use, by the kernel and not by a promise
 *   <root>/scratch-<uuid>/
 *
 * A lock that can be had belongs to nobody any more, and so does the folder beside it: no age is judged.
 */
import { Fault } from "../errors.ts";
import { isThere, openIfThere, removeIfThere } from "./local_file.ts";
import { unlessMissing } from "./disk_fault.ts";

export interface Scratch extends AsyncDisposable {
  path: string;
}

const CLAIMS = 100;
const LOCK = /^(scratch-[0-9a-f-]{36})\.lock$/;

/** A new empty folder in `root`, which is made when it is not there. */
export async function openScratch(root: string): Promise<Scratch> {
  await Deno.mkdir(root, { recursive: true });
  await sweep(root);
  const { path, lock } = await claim(root);
  await Deno.mkdir(path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      try {
        await removeFolder(path);
        await removeIfThere(lockOf(path));
      } finally {
        lock.close();
      }
    },
  };
}

function lockOf(path: string): string {
  return `${path}.lock`;
}

/** Who sweeps may take our lock for a dead one in the moment before it is locked: then another. */
async function claim(root: string): Promise<{ path: string; lock: Deno.FsFile }> {
  for (let attempt = 0; attempt < CLAIMS; attempt++) {
    const path = `${root}/scratch-${crypto.randomUUID()}`;
    const lock = await Deno.open(lockOf(path), { createNew: true, write: true });
    if (await lock.tryLock(true) && await isThere(lockOf(path))) return { path, lock };
    lock.close();
    await removeIfThere(lockOf(path));
  }
  throw new Fault("scratch_unlocked", `Cannot lock a file in ${root}: its file system has no locks`, {
    blame: "dependency",
    retry: "never",
  });
}

async function sweep(root: string): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name);
  for (const name of names) {
    const folder = LOCK.exec(name)?.[1];
    if (folder !== undefined) await removeIfDead(`${root}/${folder}`);
  }
}

async function removeIfDead(path: string): Promise<void> {
  using lock = await openIfThere(lockOf(path));
  if (lock === null || !await lock.tryLock(true)) return;
  try {
    await removeFolder(path);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // A process that outlives its parent by a moment may still write there: the next one that is opened tries again.
    return;
  }
  // The lock goes last: as long as there is a folder, there is a lock that tells whose it is.
  await removeIfThere(lockOf(path));
}

async function removeFolder(path: string): Promise<void> {
  await unlessMissing("remove", path, () => Deno.remove(path, { recursive: true }).then(() => null));
}
