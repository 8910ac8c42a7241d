/**
 * Which data files may be read: those that a retained snapshot of some table lists, and how large each is.
 *
 * What a table lists is remembered by its metadata's version, so that the ranges of a scan cost one look and a name
 * that nobody lists costs one search a version. Knowledge is trusted for a minute: a reader that got a file list goes
 * on reading, and whether the bytes are still there the store says itself.
 */
import type { Clock } from "../lib/clock.ts";
import type { Catalog, LoadedTable, TableName } from "../lib/iceberg/catalog.ts";
import { type LiveFile, readFiles } from "../lib/iceberg/live_files.ts";
import type { ObjectStore } from "../lib/store/object_store.ts";

export interface LakeFilesContext {
  catalog: Catalog;
  store: ObjectStore;
  /** What all keys of the lake begin with. */
  prefix: string;
  clock: Clock;
}

export interface ReadableFile {
  key: string;
  size_bytes: number;
}

interface Known {
  version: number;
  seen_ms: number;
  sizes: Map<string, number>;
  /** Whether `sizes` holds the files of every snapshot, so that what is missing is nowhere. */
  complete: boolean;
}

const TRUSTED_MS = 60_000;
const MAX_NAME_CHARS = 1_024;

export class LakeFiles {
  readonly #known = new Map<string, Known>();

  constructor(readonly context: LakeFilesContext) {}

  /** The address of a file in this server. */
  urlOf(path: string): string | null {
    const { store, prefix } = this.context;
    const key = store.keyOf(path);
    return key?.startsWith(prefix)
      ? `/lake/${key.slice(prefix.length).split("/").map(encodeURIComponent).join("/")}`
      : null;
  }

  /** Remembers what a file list just told somebody, who will read it next. */
  remember(table: LoadedTable, files: readonly LiveFile[]): void {
    this.#add(this.#entry(table), files);
  }

  /** The file behind `/lake/<name>`, or null when no snapshot lists it. */
  async find(name: string): Promise<ReadableFile | null> {
    const table = tableOf(name);
    if (table === null) return null;
    const key = this.context.prefix + name;
    const now = this.context.clock.now();
    const known = this.#known.get(idOf(table));
    const size_bytes = known && now - known.seen_ms < TRUSTED_MS ? known.sizes.get(key) : undefined;
    return size_bytes !== undefined ? { key, size_bytes } : await this.#search(table, key);
  }

  async #search(name: TableName, key: string): Promise<ReadableFile | null> {
    const table = await this.context.catalog.load(name);
    if (table === null) return null;
    const known = this.#entry(table);
    if (!known.complete && !known.sizes.has(key)) await this.#complete(table, known, key);
    const size_bytes = known.sizes.get(key);
    return size_bytes === undefined ? null : { key, size_bytes };
  }

  /** Goes through the snapshots, newest first, until the file is found. */
  async #complete({ metadata }: LoadedTable, known: Known, key: string): Promise<void> {
    for (const snapshot of [...metadata.snapshots].reverse()) {
      this.#add(known, await readFiles(this.context.store, metadata, snapshot["snapshot-id"]));
      if (known.sizes.has(key)) return;
    }
    known.complete = true;
  }

  #entry(table: LoadedTable): Known {
    const id = idOf(table.name);
    const known = this.#known.get(id);
    const seen_ms = this.context.clock.now();
    if (known?.version === table.version) {
      known.seen_ms = seen_ms;
      return known;
    }
    // What an older version listed may be dropped by the new one: start anew.
    const fresh: Known = { version: table.version, seen_ms, sizes: new Map(), complete: false };
    this.#known.set(id, fresh);
    return fresh;
  }

  #add(known: Known, files: readonly LiveFile[]): void {
    for (const { path, size_bytes } of files) {
      const key = this.context.store.keyOf(path);
      if (key !== null) known.sizes.set(key, size_bytes);
    }
  }
}

/** `<stage>/<table>/...` names the table that would list the file; anything else is no data file. */
function tableOf(name: string): TableName | null {
  if (name.length > MAX_NAME_CHARS) return null;
  const match = /^([a-z0-9_]+)\/([a-z0-9_]+)\/data\/[A-Za-z0-9_=.\/-]+\.parquet$/.exec(name);
  if (!match || name.split("/").some((part) => part === "" || part === "." || part === "..")) return null;
  return { stage: match[1], name: match[2] };
}

function idOf({ stage, name }: TableName): string {
  return `${stage}.${name}`;
}
