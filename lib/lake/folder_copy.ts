/** A copy of objects as files in a folder; what never changes is copied once, however often it is asked for. */
import { dirname } from "node:path";
import type { ObjectStore } from "../store/object_store.ts";

const COPIED_AT_ONCE = 16;

export class FolderCopy {
  /** Sizes of what the present round wants, by key. */
  wanted = new Map<string, number>();
  readonly #there = new Map<string, number>();

  constructor(private readonly store: ObjectStore, private readonly folder: string) {}

  /** A new round: what it does not ask for again is pruned in the end. */
  begin(): void {
    this.wanted = new Map();
  }

  /** Copies the objects, in this order in blocks; false when one of them is gone. */
  async take(keys: readonly string[]): Promise<boolean> {
    for (let at = 0; at < keys.length; at += COPIED_AT_ONCE) {
      const some = keys.slice(at, at + COPIED_AT_ONCE);
      const taken = await Promise.all(some.map((key) => this.#take(key)));
      if (taken.includes(false)) return false;
    }
    return true;
  }

  async write(key: string, text: string): Promise<void> {
    const path = await this.#path(key);
    await Deno.writeTextFile(path, text);
    this.wanted.set(key, new TextEncoder().encode(text).length);
  }

  /** Removes what was copied in earlier rounds and is not wanted any more. */
  async prune(): Promise<void> {
    for (const key of this.#there.keys()) {
      if (!this.wanted.has(key)) await Deno.remove(`${this.folder}/${key}`);
    }
  }

  async #take(key: string): Promise<boolean> {
    let size_bytes = this.#there.get(key);
    if (size_bytes === undefined) {
      const path = await this.#path(key);
      if (!await this.store.readToFile(key, path)) return false;
      size_bytes = (await Deno.stat(path)).size;
      this.#there.set(key, size_bytes);
    }
    this.wanted.set(key, size_bytes);
    return true;
  }

  async #path(key: string): Promise<string> {
    const path = `${this.folder}/${key}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    return path;
  }
}
