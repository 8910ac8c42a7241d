/** A copy of objects as files in a folder; what never changes is copied once, however often it is asked for. */
import { dirname } from "node:path";
import type { ObjectStore } from "../store/object_store.ts";

const COPIED_AT_ONCE = 16;

export class FolderCopy {
  /** Sizes of what the present round wants, by its place in the folder. */
  wanted = new Map<string, number>();
  readonly #there = new Map<string, number>();

  constructor(private readonly store: ObjectStore, private readonly folder: string) {}

  /** A new round: what it does not ask for again is pruned in the end. */
  begin(): void {
    this.wanted = new Map();
  }

  /** Copies the objects, in this order in blocks, to places that are their keys or made of them; false when one is gone. */
  async take(keys: readonly string[], placeOf: (key: string) => string = (key) => key): Promise<boolean> {
    for (let at = 0; at < keys.length; at += COPIED_AT_ONCE) {
      const some = keys.slice(at, at + COPIED_AT_ONCE);
      const taken = await Promise.all(some.map((key) => this.#take(key, placeOf(key))));
      if (taken.includes(false)) return false;
    }
    return true;
  }

  async write(place: string, text: string): Promise<void> {
    const path = await this.#path(place);
    await Deno.writeTextFile(path, text);
    this.wanted.set(place, new TextEncoder().encode(text).length);
  }

  /** Removes what was copied in earlier rounds and is not wanted any more. */
  async prune(): Promise<void> {
    for (const place of this.#there.keys()) {
      if (!this.wanted.has(place)) await Deno.remove(`${this.folder}/${place}`);
    }
  }

  async #take(key: string, place: string): Promise<boolean> {
    let size_bytes = this.#there.get(place);
    if (size_bytes === undefined) {
      const path = await this.#path(place);
      if (!await this.store.readToFile(key, path)) return false;
      size_bytes = (await Deno.stat(path)).size;
      this.#there.set(place, size_bytes);
    }
    this.wanted.set(place, size_bytes);
    return true;
  }

  async #path(place: string): Promise<string> {
    const path = `${this.folder}/${place}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    return path;
  }
}
