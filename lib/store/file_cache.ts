/**
 * Objects as local files, for engines that read files: fetched whole once, kept while there is room, and never taken
 * from under a reader.
 *
 *   lease ── open, lock shared ──────────────► path, until disposed ── unlock
 *        └─ not there: fetch x, lock, link x → path
 *   evict ── lock exclusive, or else it is in use ── unlink path
 *
 * The locks are the kernel's, so several processes share one folder, and what a dead one held is free. A path is only
 * made where none is, and only removed by who holds its file exclusively. When a file was last used is its mtime.
 */
import { createHash } from "node:crypto";
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import { orFault, unlessMissing } from "./disk_fault.ts";
import { openShared, removeIfThere, removeUnlessHeld } from "./local_file.ts";
import type { ObjectStore } from "./object_store.ts";

/** An unfinished download that was not written to for so long belongs to nobody. */
const ABANDONED_MS = 3_600_000;
const FETCHING = ".fetching-";
/** Eviction goes below the limit by this much, so that it does not run for every file. */
const ROOM = 0.1;
const FETCHES_AT_ONCE = 8;
const LOOK_AGAIN_MS = 5;
const LOOKS = 2_000;

export interface FileCacheOptions {
  /** Made when it is needed. */
  folder: string;
  /** Kept to except for what is in use. */
  max_bytes: number;
  clock?: Clock;
}

/** While it is not disposed, the file stays. */
export interface Lease extends Disposable {
  path: string;
}

export interface Leases extends Disposable {
  /** In the order of the keys. */
  paths: readonly string[];
}

/** A file that this process uses, for one or several leases. */
interface Slot {
  leases: number;
  held: Promise<void>;
  /** Open and locked, once `held` is resolved. */
  file: Deno.FsFile | null;
  fetching: AbortController;
}

export class FileCache implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #max_bytes: number;
  readonly #clock: Clock;
  readonly #slots = new Map<string, Slot>();
  /** What the folder held when it was last looked through, and what we added since. */
  #size_bytes: number | null = null;
  #evicting: Promise<void> | null = null;
  /** Under way, also those that nobody waits for any more. */
  readonly #fetches = new Set<Promise<unknown>>();
  /** Set by whoever fetched or let go, also while an eviction runs: it may have passed that file already. */
  #isFull = false;

  constructor(store: ObjectStore, options: FileCacheOptions) {
    this.#store = store;
    this.#folder = options.folder;
    this.#max_bytes = options.max_bytes;
    this.#clock = options.clock ?? systemClock;
  }

  /** The object as a local file. Rejects with Fault `store_missing` (retry after_refresh) when there is none. */
  async lease(key: string, signal?: AbortSignal): Promise<Lease> {
    signal?.throwIfAborted();
    const local = this.#store.localPath(key);
    if (local !== null) return await leaseLocal(key, local);
    const path = this.#pathOf(key);
    const slot = this.#slots.get(path) ?? this.#begin(key, path);
    slot.leases++;
    try {
      await unlessAborted(slot.held, signal);
    } catch (error) {
      this.#release(path, slot);
      throw error;
    }
    let disposed = false;
    return {
      path,
      [Symbol.dispose]: () => {
        if (!disposed) this.#release(path, slot);
        disposed = true;
      },
    };
  }

  /** All of `keys`, or none. */
  async leaseAll(keys: readonly string[], signal?: AbortSignal): Promise<Leases> {
    using stack = new DisposableStack();
    const paths: string[] = [];
    const todo = keys.entries();
    // Workers share one iterator; the first failure stops all, and what was leased so far is let go.
    const failed = new AbortController();
    const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    const worker = async () => {
      for (const [at, key] of todo) paths[at] = stack.use(await this.lease(key, either)).path;
    };
    const workers = Array.from({ length: FETCHES_AT_ONCE }, () =>
      worker().catch((error) => {
        failed.abort(error);
        throw error;
      }));
    const outcomes = await Promise.allSettled(workers);
    if (outcomes.some(({ status }) => status === "rejected")) throw signal?.reason ?? failed.signal.reason;
    const kept = stack.move();
    return { paths, [Symbol.dispose]: () => kept.dispose() };
  }

  #begin(key: string, path: string): Slot {
    const fetching = new AbortController();
    const slot: Slot = { leases: 0, held: Promise.resolve(), file: null, fetching };
    slot.held = orFault("keep a copy of", key, () => this.#hold(key, path, fetching.signal)).then((file) => {
      slot.file = file;
      // Everybody may have left meanwhile.
      if (slot.leases === 0) this.#letGo(slot);
    });
    this.#slots.set(path, slot);
    // Who comes after a failure tries anew.
    const ended: Promise<unknown> = slot.held.catch(() => this.#forget(path, slot))
      .finally(() => this.#fetches.delete(ended));
    this.#fetches.add(ended);
    return slot;
  }

  #release(path: string, slot: Slot): void {
    if (--slot.leases > 0) return;
    this.#forget(path, slot);
    slot.fetching.abort(new DOMException("nobody waits for it any more", "AbortError"));
    this.#letGo(slot);
  }

  #letGo(slot: Slot): void {
    slot.file?.close();
    slot.file = null;
    this.#evictIfFull();
  }

  #forget(path: string, slot: Slot): void {
    if (this.#slots.get(path) === slot) this.#slots.delete(path);
  }

  /** The file at `path`, locked shared. */
  async #hold(key: string, path: string, signal: AbortSignal): Promise<Deno.FsFile> {
    for (let look = 0; look < LOOKS; look++) {
      const there = await openShared(path);
      if (there === "busy") {
        await this.#clock.sleep(LOOK_AGAIN_MS, signal);
        continue;
      }
      if (there !== null) {
        await touch(there, this.#clock.now());
        return there;
      }
      const fetched = await this.#fetch(key, path, signal);
      if (fetched !== null) return fetched;
    }
    throw new Fault("cache_busy", `Cannot keep a copy of ${key}: ${path} stays locked`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }

  /** null when somebody else put the file there first. */
  async #fetch(key: string, path: string, signal: AbortSignal): Promise<Deno.FsFile | null> {
    await Deno.mkdir(this.#folder, { recursive: true });
    const fetching = `${this.#folder}/${FETCHING}${crypto.randomUUID()}`;
    try {
      await this.#download(key, fetching, signal);
      // Locked before it has its name, so that nobody can evict it before we use it.
      const file = await Deno.open(fetching, { read: true, write: true });
      try {
        await file.lock(false);
        // After a power cut the name must not stand for less than the object.
        await file.sync();
        await touch(file, this.#clock.now());
        await Deno.link(fetching, path);
      } catch (error) {
        file.close();
        if (error instanceof Deno.errors.AlreadyExists) return null;
        throw error;
      }
      if (this.#size_bytes !== null) this.#size_bytes += (await file.stat()).size;
      this.#evictIfFull();
      return file;
    } finally {
      await removeIfThere(fetching);
    }
  }

  async #download(key: string, path: string, signal: AbortSignal): Promise<void> {
    const download = () => this.#store.readToFile(key, path, signal);
    let found: boolean;
    try {
      found = await download();
    } catch (error) {
      if (!(error instanceof Fault && error.code === "store_full")) throw error;
      // The disk has less room than we may use: give up all that nobody uses, and try once more.
      await this.#evict(0);
      found = await download();
    }
    if (!found) throw missing(key);
  }

  #evictIfFull(): void {
    if (this.#size_bytes !== null && this.#size_bytes <= this.#max_bytes) return;
    this.#isFull = true;
    this.#evicting ??= this.#evictWhileFull().finally(() => {
      this.#evicting = null;
    });
  }

  async #evictWhileFull(): Promise<void> {
    while (this.#isFull) {
      this.#isFull = false;
      // A folder that cannot be looked through is left for the next time; leases do not depend on it.
      await this.#evict(this.#max_bytes).catch(() => undefined);
    }
  }

  /** Resolves when nothing is fetched and no eviction runs. */
  async settled(): Promise<void> {
    while (this.#evicting !== null || this.#fetches.size > 0) {
      await Promise.all([this.#evicting, ...this.#fetches]);
    }
  }

  /** Resolves when the folder keeps to its room: a process that ends before leaves it fuller than it may be. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
  }

  /** Removes what was not used for longest until no more than `max_bytes` are left, or only what is in use. */
  async #evict(max_bytes: number): Promise<void> {
    const files = await this.#files();
    let size_bytes = files.reduce((sum, file) => sum + file.size_bytes, 0);
    const goal_bytes = size_bytes > max_bytes ? max_bytes * (1 - ROOM) : max_bytes;
    files.sort((a, b) => a.used_at - b.used_at);
    for (const file of files) {
      if (size_bytes <= goal_bytes) break;
      if (await removeUnlessHeld(file.path)) size_bytes -= file.size_bytes;
    }
    this.#size_bytes = size_bytes;
  }

  async #files(): Promise<{ path: string; size_bytes: number; used_at: number }[]> {
    const files = [];
    for await (const { name } of Deno.readDir(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      const info = await unlessMissing("look at", path, () => Deno.stat(path));
      if (info === null || !info.isFile) continue;
      const used_at = info.mtime?.getTime() ?? 0;
      if (!name.startsWith(FETCHING)) files.push({ path, size_bytes: info.size, used_at });
      else if (used_at < this.#clock.now() - ABANDONED_MS) await removeUnlessHeld(path);
    }
    return files;
  }

  /** The whole address counts, so that a folder that served another bucket is of no harm. */
  #pathOf(key: string): string {
    const ending = /\.[a-z0-9]{1,16}$/.exec(key)?.[0] ?? "";
    return `${this.#folder}/${createHash("sha256").update(this.#store.uri(key)).digest("hex")}${ending}`;
  }
}

/** The disk store's own files need no copy and no lock: who collects them keeps to the readers' grace. */
async function leaseLocal(key: string, path: string): Promise<Lease> {
  const info = await unlessMissing("look at", key, () => Deno.stat(path));
  if (!info?.isFile) throw missing(key);
  return { path, [Symbol.dispose]: () => {} };
}

async function touch(file: Deno.FsFile, now: number): Promise<void> {
  await file.utime(new Date(now), new Date(now));
}

async function unlessAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function missing(key: string): Fault {
  return new Fault("store_missing", `Cannot fetch ${key}: it is no longer there`, {
    blame: "dependency",
    retry: "after_refresh",
  });
}
