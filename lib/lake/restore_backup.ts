/** A backup laid out as a folder that the program can run on; what is cut or missing is refused before anything counts. */
import { dirname } from "node:path";
import { Fault, messageOf } from "../errors.ts";
import { BACKUP_FILE, type BackupFile, LOG_FOLDER, OBJECTS_FOLDER, parseBackupFile } from "./backup.ts";

export async function readBackup(from: string): Promise<BackupFile> {
  try {
    return parseBackupFile(await Deno.readTextFile(`${from}/${BACKUP_FILE}`));
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound
      ? `there is no ${BACKUP_FILE}; it is no backup, or one that was not finished`
      : messageOf(error);
    throw refused(from, state);
  }
}

/** Copies everything into the folder `to`, which must not exist. */
export async function layOut(
  from: string,
  to: string,
  { file, copied }: { file: BackupFile; copied: () => void },
): Promise<void> {
  for (const [key, size_bytes] of Object.entries(file.objects)) {
    const path = `${to}/${key}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    await copyFile(from, `${from}/${OBJECTS_FOLDER}/${key}`, path);
    const { size } = await Deno.stat(path);
    if (size !== size_bytes) throw refused(from, `${key} has ${size} bytes instead of ${size_bytes}`);
    copied();
  }
  await Deno.mkdir(`${to}/log`, { recursive: true });
  for await (const { name } of Deno.readDir(`${from}/${LOG_FOLDER}`)) {
    if (name.endsWith(".db")) await copyFile(from, `${from}/${LOG_FOLDER}/${name}`, `${to}/log/${name}`);
  }
}

async function copyFile(from: string, source: string, target: string): Promise<void> {
  try {
    await Deno.copyFile(source, target);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw refused(from, `${source} is missing`);
    throw error;
  }
}

function refused(from: string, state: string): Fault {
  return new Fault("backup_refused", `Cannot restore ${from}: ${state}`, { blame: "sender", retry: "never" });
}
