/**
 * Where objects of the disk store are written before they get their name, and how what a dead process left is found.
 *
 *   <root>/.incoming/<pid>-<uuid>.lock    locked as long as its process lives, by the kernel and not by a promise
 *   <root>/.incoming/<pid>-<uuid>.<n>     an object being written
 *
 * A lock that can be had belongs to nobody any more, however its owner ended: its files are removed. No process id is
 * asked (it may be used again, or live in another container), no age is judged (a laptop may have slept).
 */
import { Fault } from "../errors.ts";
import { openIfThere, removeIfThere } from "./local_file.ts";

/** The reserved first part of keys. */
export const INCOMING = ".incoming";
const LOCK_ENDING = ".lock";

interface Area {
  name: string;
  lock: Deno.FsFile;
}

export class Incoming implements AsyncDisposable {
  readonly #folder: string;
  #area: Promise<Area> | null = null;
  #last = 0;
  #closed = false;

  constructor(root: string) {
    this.#folder = `${root}/${INCOMING}`;
  }

  /** The path for one more file. The root must exist. */
  async next(): Promise<string> {
    if (this.#closed) throw new TypeError("Cannot write an object: the store is closed");
    this.#area ??= this.#open();
    try {
      const area = await this.#area;
      return `${this.#folder}/${area.name}.${++this.#last}`;
    } catch (error) {
      this.#area = null;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#area === null) return;
    const area = await this.#area;
    this.#area = null;
    await removeIfThere(`${this.#folder}/${area.name}${LOCK_ENDING}`);
    area.lock.close();
  }

  async #open(): Promise<Area> {
    await Deno.mkdir(this.#folder, { recursive: true });
    const area = await this.#claim();
    await this.#clear(area.name);
    return area;
  }

  /** A process that clears may take our file for a dead one in the moment before it is locked: then once more. */
  async #claim(): Promise<Area> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const name = `${Deno.pid}-${crypto.randomUUID()}`;
      const path = `${this.#folder}/${name}${LOCK_ENDING}`;
      const lock = await Deno.open(path, { createNew: true, write: true });
      if (await lockIfFree(lock) && await isThere(path)) return { name, lock };
      lock.close();
      await removeIfThere(path);
    }
    throw new Fault(
      "store_unavailable",
      `Cannot lock a file in ${this.#folder}: its file system has no locks`,
      {
        blame: "dependency",
        retry: "never",
      },
    );
  }

  async #clear(own: string): Promise<void> {
    const names = (await Array.fromAsync(Deno.readDir(this.#folder))).map(({ name }) => name);
    for (const lockName of names.filter((name) => name.endsWith(LOCK_ENDING))) {
      const owner = lockName.slice(0, -LOCK_ENDING.length);
      if (owner !== own) await this.#clearOne(owner, names);
    }
  }

  async #clearOne(owner: string, names: readonly string[]): Promise<void> {
    const path = `${this.#folder}/${owner}${LOCK_ENDING}`;
    using lock = await openIfThere(path);
    if (lock === null || !await lockIfFree(lock)) return;
    const left = names.filter((name) => name.startsWith(`${owner}.`) && !name.endsWith(LOCK_ENDING));
    await Promise.all(left.map((name) => removeIfThere(`${this.#folder}/${name}`)));
    // The lock goes last: as long as there are files, there is a lock that tells whose they are.
    await removeIfThere(path);
  }
}

async function lockIfFree(file: Deno.FsFile): Promise<boolean> {
  return await file.tryLock(true);
}

async function isThere(path: string): Promise<boolean> {
  using file = await openIfThere(path);
  return file !== null;
}
