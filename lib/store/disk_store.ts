/**
 * The store on a local disk: an object is a file, and its name is given by link(2), which never replaces.
 *
 *   write .incoming/x ── fsync ── link x → a/b/key ── fsync a/b ── unlink x
 *                                      ^ the one moment of creation: EEXIST is "taken"
 *
 * Before the link nothing was created, whatever happens. After it the object is seen, but until the folder is synced a
 * power cut may undo that: an error there is "unknown". A loser syncs too before it says "taken", because it may be the
 * winner who did not hear its answer and now relies on what it reads. Folders that became empty stay.
 */
import { dirname, resolve, sep as SEPARATOR } from "node:path";
import { orFault, unlessMissing } from "./disk_fault.ts";
import { DurableFolders } from "./disk_folder.ts";
import { INCOMING, Incoming } from "./disk_incoming.ts";
import { checkKey, checkPrefix, compareKeys, sortKeys } from "./key.ts";
import { removeIfThere } from "./local_file.ts";
import type { ByteRange, Created, ObjectEntry, ObjectHead, ObjectStore } from "./object_store.ts";

const IN_PARALLEL = 32;

/** A store in the folder `root`, which is made with the first write. Any number of processes may share it. */
export function openDiskStore(root: string): ObjectStore {
  return new DiskStore(resolve(root).replaceAll(SEPARATOR, "/"));
}

/** What a listing asks for: how the first part of a key below a folder begins, and which key it is beyond. */
interface Wanted {
  start: string;
  after: string;
}

class DiskStore implements ObjectStore {
  readonly #root: string;
  readonly #address: string;
  readonly #folders: DurableFolders;
  readonly #incoming: Incoming;

  constructor(root: string) {
    this.#root = root;
    this.#address = root.startsWith("/") ? `file://${root}` : `file:///${root}`;
    this.#folders = new DurableFolders(root);
    this.#incoming = new Incoming(root);
  }

  /** Not percent-encoded: readers of Iceberg tables (Java, PyIceberg, DuckDB) take what follows the scheme literally. */
  uri(key: string): string {
    this.#path(key);
    return `${this.#address}/${key}`;
  }

  keyOf(uri: string): string | null {
    if (!uri.startsWith(`${this.#address}/`)) return null;
    try {
      const key = uri.slice(this.#address.length + 1);
      this.#path(key);
      return key;
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  localPath(key: string): string {
    return this.#path(key);
  }

  presign(): Promise<null> {
    return Promise.resolve(null);
  }

  async create(key: string, body: Uint8Array, signal?: AbortSignal): Promise<Created> {
    return await this.#create(key, (path) => writeDurably(path, body), signal);
  }

  async createFromFile(key: string, path: string, signal?: AbortSignal): Promise<Created> {
    return await this.#create(key, (incoming) => copyDurably(path, incoming), signal);
  }

  async read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array | null> {
    const path = this.#path(key);
    if (range && !(range.start >= 0 && range.end >= range.start)) {
      throw new RangeError(`Cannot read ${key}: ${range.start}..${range.end} is no range`);
    }
    return await unlessMissing("read", key, async () => {
      if (!range) return await Deno.readFile(path, { signal });
      signal?.throwIfAborted();
      using file = await Deno.open(path, { read: true });
      const info = await file.stat();
      if (!info.isFile) return null;
      return await readPart(file, range.start, Math.min(range.end, info.size));
    });
  }

  async readToFile(key: string, path: string, signal?: AbortSignal): Promise<boolean> {
    const source = this.#path(key);
    signal?.throwIfAborted();
    const info = await unlessMissing("read", key, () => Deno.stat(source));
    if (!info?.isFile) return false;
    const copied = await unlessMissing("read", key, () => Deno.copyFile(source, path).then(() => true));
    return copied ?? false;
  }

  async head(key: string): Promise<ObjectHead | null> {
    const path = this.#path(key);
    return await unlessMissing("look at", key, async () => {
      const info = await Deno.stat(path);
      if (!info.isFile) return null;
      const parts = [info.size, info.mtime?.getTime() ?? 0, info.ino ?? 0];
      return { size_bytes: info.size, etag: `"${parts.map((part) => part.toString(36)).join("-")}"` };
    });
  }

  list(prefix: string, after = ""): AsyncIterable<ObjectEntry> {
    const folderEnd = checkPrefix(prefix).lastIndexOf("/") + 1;
    return this.#walk(prefix.slice(0, folderEnd), { start: prefix.slice(folderEnd), after });
  }

  async delete(keys: readonly string[]): Promise<void> {
    const paths = keys.map((key) => this.#path(key));
    for (let at = 0; at < paths.length; at += IN_PARALLEL) {
      const batch = paths.slice(at, at + IN_PARALLEL);
      await Promise.all(
        batch.map((path, i) => unlessMissing("delete", keys[at + i], () => removeFile(path))),
      );
    }
    // What was deleted in an earlier call stays deleted also when a power cut undoes a later one.
    for (const folder of new Set(paths.map((path) => dirname(path)))) {
      await unlessMissing("delete from", folder, () => this.#folders.sync(folder));
    }
  }

  async putHint(key: string, body: Uint8Array): Promise<void> {
    const path = this.#path(key);
    await orFault("write the hint", key, async () => {
      await this.#folders.make(this.#root);
      const incoming = await this.#incoming.next();
      try {
        await writeDurably(incoming, body);
        await this.#inFolderOf(path, () => Deno.rename(incoming, path));
      } catch (error) {
        await removeIfThere(incoming);
        throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#incoming[Symbol.asyncDispose]();
  }

  #path(key: string): string {
    if (checkKey(key) === INCOMING || key.startsWith(`${INCOMING}/`)) {
      throw new RangeError(`Cannot use the key ${key}: ${INCOMING} belongs to the store`);
    }
    return `${this.#root}/${key}`;
  }

  async #create(
    key: string,
    write: (path: string) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<Created> {
    const path = this.#path(key);
    signal?.throwIfAborted();
    return await orFault("create", key, async () => {
      await this.#folders.make(this.#root);
      const incoming = await this.#incoming.next();
      try {
        await write(incoming);
        signal?.throwIfAborted();
        return await this.#name(incoming, path);
      } finally {
        // What cannot be removed now is cleared by the next process; it must not turn the answer into a failure.
        await removeIfThere(incoming).catch(() => undefined);
      }
    });
  }

  async #name(incoming: string, path: string): Promise<Created> {
    try {
      await this.#inFolderOf(path, () => Deno.link(incoming, path));
    } catch (error) {
      const links = await linksOf(incoming);
      if (links === null) return "unknown";
      // Over NFS the answer to a link that succeeded can get lost and its repetition fail: the count of links knows.
      if (links < 2) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
        await this.#folders.sync(dirname(path));
        return "taken";
      }
    }
    try {
      await this.#folders.sync(dirname(path));
    } catch {
      return "unknown";
    }
    return "created";
  }

  /** Runs `name`, which puts a name into the folder of `path`, once that folder is there. */
  async #inFolderOf(path: string, name: () => Promise<void>): Promise<void> {
    await this.#folders.make(dirname(path));
    try {
      await name();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      // Somebody removed the folder since we made it.
      this.#folders.forget();
      await this.#folders.make(dirname(path));
      await name();
    }
  }

  /** Objects below the folder `base` ("" or "a/b/"), one folder in memory at a time. */
  async *#walk(base: string, { start, after }: Wanted): AsyncGenerator<ObjectEntry> {
    const folder = `${this.#root}/${base}`;
    // Most listings ask for what is beyond a key of this very folder: then the rest of the name decides.
    const rest = after.startsWith(base) ? after.slice(base.length) : null;
    const isBeyond = (name: string) =>
      name.endsWith("/") || (rest === null ? compareKeys(base, after) > 0 : compareKeys(name, rest) > 0);
    const wanted = (name: string) => name.startsWith(start) && (after === "" || isBeyond(name));
    const names = await unlessMissing("list", base, () => Promise.try(namesIn, folder, wanted)) ?? [];
    // A folder sorts as what its keys go on with: "a.b" stands before "a/1".
    sortKeys(names);
    for (const name of names) {
      if (base === "" && name === `${INCOMING}/`) continue;
      if (name.endsWith("/")) yield* this.#walk(base + name, { start: "", after });
      else yield new DiskEntry(base + name, `${folder}${name}`);
    }
  }
}

/** Most listings want names alone, and a look at each file costs ten times the listing: it is made when it is asked for. */
class DiskEntry implements ObjectEntry {
  readonly #path: string;

  constructor(readonly key: string, path: string) {
    this.#path = path;
  }

  get size_bytes(): number {
    return this.#look()?.size ?? 0;
  }

  get modified_at(): number {
    return this.#look()?.mtime?.getTime() ?? 0;
  }

  /** null when it was deleted since it was listed. */
  #look(): Deno.FileInfo | null {
    try {
      return Deno.statSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }
}

/** At once: it takes half a microsecond a name, which is less than this thread would spend on promises for it. */
function namesIn(folder: string, wanted: (name: string) => boolean): string[] {
  const names: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const isFolder = entry.isSymlink
      ? Deno.statSync(`${folder}${entry.name}`).isDirectory
      : entry.isDirectory;
    const name = isFolder ? `${entry.name}/` : entry.name;
    if (wanted(name)) names.push(name);
  }
  return names;
}

async function removeFile(path: string): Promise<void> {
  if (!(await Deno.lstat(path)).isDirectory) await Deno.remove(path);
}

async function linksOf(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).nlink;
  } catch {
    // Whether the link was made cannot be told any more; the caller says so.
    return null;
  }
}

async function writeDurably(path: string, body: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { createNew: true, write: true });
  for (let at = 0; at < body.length;) at += await file.write(body.subarray(at));
  await file.syncData();
}

async function copyDurably(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to);
  using file = await Deno.open(to, { write: true });
  await file.syncData();
}

async function readPart(file: Deno.FsFile, start: number, end: number): Promise<Uint8Array> {
  const part = new Uint8Array(Math.max(0, end - start));
  if (part.length === 0) return part;
  await file.seek(start, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < part.length) {
    const count = await file.read(part.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return part.subarray(0, filled);
}
