/** The port of the store: immutable objects under slash-separated keys, created at most once. */

/**
 * What became of a conditional create. "unknown" is an outcome of its own (the answer was lost): the caller finds out
 * by reading who is there, and deletes nothing meanwhile.
 */
export type Created = "created" | "taken" | "unknown";

export interface ObjectEntry {
  key: string;
  size_bytes: number;
  /** Of the store's clock; for people and for grace periods, never for correctness. */
  modified_at: number;
}

export interface ObjectHead {
  size_bytes: number;
  /** As HTTP writes it, with its quotes. */
  etag: string;
}

/** Half open: bytes start..end-1. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Objects appear whole or not at all, and durably: after "created" a reader anywhere sees all bytes, also after a power
 * cut. Once created, an object's bytes never change (except hints, see `putHint`). Listing sees every object that was
 * created before the listing began and is not deleted. Failures are Faults with blame "dependency".
 *
 * Keys read `part/part/...` (key.ts says which parts), and no key is the folder of another: never both `a` and `a/b`.
 */
export interface ObjectStore extends AsyncDisposable {
  /** The absolute address that stands in table metadata: file:///... or s3://bucket/... */
  uri(key: string): string;
  /** The key of an address made by `uri`, null for an address that is not ours. */
  keyOf(uri: string): string | null;
  /**
   * Creates `key` unless it exists. At most one of any number of racing callers gets "created", and exactly one unless
   * an answer is "unknown". A rejection means that this call created nothing; an abort after the point of no return
   * is "unknown" too.
   */
  create(key: string, body: Uint8Array, signal?: AbortSignal): Promise<Created>;
  /** The same from a local file, for objects too large for memory. */
  createFromFile(key: string, path: string, signal?: AbortSignal): Promise<Created>;
  /** null when there is no such object. A range beyond the end is cut; a range that starts beyond it is empty. */
  read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array | null>;
  /** Copies the object to a local file, over what is there; false, and no file, when there is none. */
  readToFile(key: string, path: string, signal?: AbortSignal): Promise<boolean>;
  head(key: string): Promise<ObjectHead | null>;
  /**
   * All entries whose key starts with `prefix`, ascending by key (UTF-8 bytes); with `after` only those beyond that key.
   * One that is deleted while the listing goes on may be in it, and then have the size 0.
   */
  list(prefix: string, after?: string): AsyncIterable<ObjectEntry>;
  /** Deletes what exists of `keys`; deleting what does not exist is not an error. */
  delete(keys: readonly string[]): Promise<void>;
  /** Overwrites a hint: an object whose loss or age harms nobody. The only mutable objects. */
  putHint(key: string, body: Uint8Array): Promise<void>;
  /** A local path that engines may read directly, or null when the object lives elsewhere. */
  localPath(key: string): string | null;
  /** An address that anyone may GET for `ttl_seconds`, or null when the store cannot sign (disk). */
  presign(key: string, ttl_seconds: number): Promise<string | null>;
}
