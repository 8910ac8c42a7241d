/** Local files that several processes share: opened, locked and removed while others may do the same. */
import { unlessMissing } from "./disk_fault.ts";

/** null when no file is there. Reading and writing, which locks and times need. */
export async function openIfThere(path: string): Promise<Deno.FsFile | null> {
  return await unlessMissing("open", path, () => Deno.open(path, { read: true, write: true }));
}

export async function isThere(path: string): Promise<boolean> {
  return await unlessMissing("look at", path, () => Deno.stat(path)) !== null;
}

export async function removeIfThere(path: string): Promise<void> {
  await unlessMissing("remove", path, () => Deno.remove(path).then(() => null));
}

/** The file held against removal until it is closed; null when none is there, "busy" while it is being removed. */
export async function openShared(path: string): Promise<Deno.FsFile | "busy" | null> {
  const file = await openIfThere(path);
  if (file === null) return null;
  if (await file.tryLock(false) && await isAt(file, path)) return file;
  file.close();
  return "busy";
}

/** Removes the file unless somebody holds it (with `openShared`, or locked otherwise); says whether it did. */
export async function removeUnlessHeld(path: string): Promise<boolean> {
  using file = await openIfThere(path);
  if (file === null || !await file.tryLock(true) || !await isAt(file, path)) return false;
  await Deno.remove(path);
  return true;
}

/** Makes the folder, and rejects as the operating system does where nothing can be written in it. */
export async function tryWriting(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".writable-" }));
}

/** Whether `path` still names this file, and not another that took its place before we had the lock. */
async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  const [own, there] = [await file.stat(), await unlessMissing("look at", path, () => Deno.stat(path))];
  return there !== null && own.ino === there.ino && own.dev === there.dev;
}
