/** A store in memory that keeps the port's promises, so that tests of what stands on a store run fast. */
import { hash } from "node:crypto";
import { checkKey, checkPrefix, compareKeys } from "../../lib/store/key.ts";
import type { ByteRange, Created, ObjectEntry, ObjectStore } from "../../lib/store/object_store.ts";

/** No address of a real store begins like this. */
const SCHEME = "s3://memory/";

export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, { bytes: Uint8Array; modified_at: number }>();
  uri(key: string): string {
    return SCHEME + checkKey(key);
  }

  keyOf(uri: string): string | null {
    if (!uri.startsWith(SCHEME)) return null;
    try {
      return checkKey(uri.slice(SCHEME.length));
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  async create(key: string, body: Uint8Array, signal?: AbortSignal): Promise<Created> {
    signal?.throwIfAborted();
    checkKey(key);
    // Callers race as they would over a network.
    await Promise.resolve();
    if (this.objects.has(key)) return "taken";
    this.objects.set(key, { bytes: body.slice(), modified_at: Date.now() });
    return "created";
  }

  async createFromFile(key: string, path: string, signal?: AbortSignal): Promise<Created> {
    return await this.create(key, await Deno.readFile(path), signal);
  }

  async read(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    await Promise.resolve();
    if (range && (range.start < 0 || range.end < range.start)) {
      throw new RangeError(`Cannot read ${key}: bad range`);
    }
    const found = this.objects.get(checkKey(key))?.bytes;
    return found ? found.slice(range?.start, range?.end) : null;
  }

  async readToFile(key: string, path: string): Promise<boolean> {
    const bytes = await this.read(key);
    if (bytes) await Deno.writeFile(path, bytes);
    return bytes !== null;
  }

  head(key: string): Promise<{ size_bytes: number; etag: string } | null> {
    const found = this.objects.get(key);
    return Promise.resolve(
      found ? { size_bytes: found.bytes.length, etag: `"${hash("md5", found.bytes)}"` } : null,
    );
  }

  async *list(prefix: string, after = ""): AsyncGenerator<ObjectEntry> {
    await Promise.resolve();
    checkPrefix(prefix);
    const isListed = (key: string) => key.startsWith(prefix) && compareKeys(key, after) > 0;
    for (const key of [...this.objects.keys()].filter(isListed).sort(compareKeys)) {
      const found = this.objects.get(key);
      if (found) yield { key, size_bytes: found.bytes.length, modified_at: found.modified_at };
    }
  }

  delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(checkKey(key));
    return Promise.resolve();
  }

  putHint(key: string, body: Uint8Array): Promise<void> {
    this.objects.set(checkKey(key), { bytes: body.slice(), modified_at: Date.now() });
    return Promise.resolve();
  }

  localPath(): null {
    return null;
  }

  presign(): Promise<null> {
    return Promise.resolve(null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.objects.clear();
    return Promise.resolve();
  }
}
