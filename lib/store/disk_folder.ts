/**
 * Folders that outlive a power cut: a new name is durable only when the folder that holds it was synced.
 *
 *   callers   a b    c d e
 *   fsync     |--a--||-b c d e-|      one runs, all who came meanwhile share the next
 */
import { dirname } from "node:path";
import { isThere } from "./local_file.ts";

/** Beyond so many remembered folders all are forgotten, and synced once more. */
const MAX_KNOWN = 10_000;

interface Turn {
  running: Promise<void>;
  next: Promise<void> | null;
}

export class DurableFolders {
  readonly #root: string;
  readonly #turns = new Map<string, Turn>();
  /** Folders whose own name is durable, up to the root. */
  readonly #known = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes `folder`, the root or something below it, and returns when its name is durable. */
  async make(folder: string): Promise<void> {
    if (this.#known.has(folder)) return;
    if (folder === this.#root) {
      await this.#makeRoot(folder);
    } else {
      const parent = dirname(folder);
      await this.make(parent);
      await makeOne(folder);
      // Also when it was there: whoever made it may not have come to sync it yet.
      await this.sync(parent);
    }
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.add(folder);
  }

  /** Takes nothing for granted any more, after somebody removed folders under us. */
  forget(): void {
    this.#known.clear();
  }

  /** Returns when every name put into `folder`, or taken from it, before this call is durable. */
  sync(folder: string): Promise<void> {
    const turn = this.#turns.get(folder);
    if (!turn) return this.#begin(folder);
    const begin = () => this.#begin(folder);
    return turn.next ??= turn.running.then(begin, begin);
  }

  #begin(folder: string): Promise<void> {
    const running = syncFolder(folder).finally(() => {
      if (turn.next === null) this.#turns.delete(folder);
    });
    const turn: Turn = { running, next: null };
    this.#turns.set(folder, turn);
    return running;
  }

  /** Above the root only what we made ourselves is synced: the rest may not even be ours to open. */
  async #makeRoot(folder: string): Promise<void> {
    const missing: string[] = [];
    for (let at = folder; !await isThere(at); at = dirname(at)) missing.push(at);
    for (const one of missing.reverse()) {
      await makeOne(one);
      await this.sync(dirname(one));
    }
  }
}

async function makeOne(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no handle for a folder that could be synced; NTFS journals names by itself.
  if (Deno.build.os === "windows") return;
  using handle = await Deno.open(folder, { read: true });
  await handle.sync();
}
