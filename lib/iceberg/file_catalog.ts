/**
 * The catalog without a server: versions of a table's metadata, numbered objects created at most once.
 *
 *   v1 ── v2 ── v3 ── v4     a commit on v4 creates v5, if nobody else has
 *                      ^ newest = the highest number of a full listing, never the hint
 *
 * A won create is believed only after one more listing shows nothing higher: once old versions are gone, their
 * numbers could be won again by somebody who slept meanwhile. The one who commits deletes the versions that its
 * metadata's log lets go of, so that a listing stays as short as that log; what a crash leaves is the collector's.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { ObjectStore } from "../store/object_store.ts";
import type { Catalog, LoadedTable, TableName } from "./catalog.ts";
import { decodedFrom } from "./damaged.ts";
import type { TableMetadata } from "./metadata.ts";
import {
  hintKey,
  markerKey,
  markersPrefix,
  tableOfMarker,
  versionKey,
  versionOf,
  versionPrefix,
} from "./paths.ts";
import { settledCreate } from "./settled_create.ts";
import { COMMIT_ID, withMetadataLog } from "./update.ts";

/** A version may be collected between listing and reading only when a newer one came: then the next look succeeds. */
const LOOKS = 5;

export interface FileCatalogOptions {
  /** Before the stages' folders: `lake/`, or empty. */
  prefix: string;
  clock?: Clock;
  /** Uniform in [0, 1), for jitter. */
  random?: () => number;
}

export function fileCatalog(store: ObjectStore, options: FileCatalogOptions): Catalog {
  return new FileCatalog(store, options.prefix, {
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  });
}

class FileCatalog implements Catalog {
  /** The newest table seen, by name: its number cannot come to mean anything else. */
  readonly #newest = new Map<string, LoadedTable>();
  readonly #existing = new Set<string>();

  constructor(
    readonly store: ObjectStore,
    readonly prefix: string,
    readonly pausing: { clock: Clock; random: () => number },
  ) {}

  async list(): Promise<TableName[]> {
    const candidates: { key: string; name: TableName }[] = [];
    for await (const { key } of this.store.list(markersPrefix(this.prefix))) {
      const name = tableOfMarker(this.prefix, key);
      if (name) candidates.push({ key, name });
    }
    const exists = await Promise.all(candidates.map(({ key, name }) => this.#exists(key, name)));
    return candidates.filter((_, i) => exists[i]).map(({ name }) => name);
  }

  /** A creator that died after the marker leaves one without a table. */
  async #exists(marker: string, name: TableName): Promise<boolean> {
    if (this.#existing.has(marker)) return true;
    const exists = await this.#newestVersion(name) > 0;
    if (exists) this.#existing.add(marker);
    return exists;
  }

  async load(name: TableName): Promise<LoadedTable | null> {
    for (let look = 1; look <= LOOKS; look++) {
      const version = await this.#newestVersion(name);
      if (version === 0) return null;
      const known = this.#newest.get(idOf(name));
      if (known?.version === version) return known;
      const metadata = await this.#read(name, version);
      if (metadata) return this.#remember(name, version, metadata);
    }
    throw new Fault(
      "table_unreadable",
      `Cannot load table ${idOf(name)}: its newest version keeps vanishing`,
      {
        blame: "dependency",
        retry: "after_backoff",
      },
    );
  }

  async create(name: TableName, metadata: TableMetadata): Promise<LoadedTable> {
    const existing = await this.load(name);
    if (existing) return existing;
    await this.#settledCreate(markerKey(this.prefix, name), new Uint8Array());
    await this.#settledCreate(versionKey(this.prefix, name, 1), encode(metadata));
    const created = await this.load(name);
    if (created) return created;
    throw new Fault("table_unreadable", `Cannot create table ${idOf(name)}: it is not there afterwards`, {
      blame: "dependency",
      retry: "after_backoff",
    });
  }

  async commit(base: LoadedTable, next: TableMetadata, writeId: string): Promise<LoadedTable | null> {
    const { name } = base;
    const version = base.version + 1;
    const properties = { ...next.properties, [COMMIT_ID]: writeId };
    const { metadata, dropped } = withMetadataLog({ ...next, properties }, base);
    const created = await this.#settledCreate(versionKey(this.prefix, name, version), encode(metadata));
    if (created === "taken") {
      const there = await this.#read(name, version);
      if (there?.properties[COMMIT_ID] !== writeId) return null;
    }
    if (await this.#newestVersion(name) !== version) return null;
    const table = this.#remember(name, version, metadata);
    await this.#afterwards(() => this.#hint(name, version));
    await this.#afterwards(() => this.#delete(name, dropped));
    return table;
  }

  async #newestVersion(name: TableName): Promise<number> {
    let newest = 0;
    for await (const { key } of this.store.list(versionPrefix(this.prefix, name))) {
      newest = Math.max(newest, versionOf(key) ?? 0);
    }
    return newest;
  }

  async #read(name: TableName, version: number): Promise<TableMetadata | null> {
    const key = versionKey(this.prefix, name, version);
    const bytes = await this.store.read(key);
    return bytes === null ? null : decodedFrom(this.store.uri(key), () => decode(bytes));
  }

  #remember(name: TableName, version: number, metadata: TableMetadata): LoadedTable {
    const metadata_location = this.store.uri(versionKey(this.prefix, name, version));
    const table: LoadedTable = { name, version, metadata_location, metadata };
    this.#newest.set(idOf(name), table);
    return table;
  }

  #settledCreate(key: string, body: Uint8Array): Promise<"created" | "taken"> {
    return settledCreate(this.store, key, { ...this.pausing, body });
  }

  /** The commit stands whether or not what comes after it succeeds. */
  async #afterwards(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  async #hint(name: TableName, version: number): Promise<void> {
    await this.store.putHint(hintKey(this.prefix, name), new TextEncoder().encode(String(version)));
  }

  /** Old versions of this table, and nothing else that a log may name. */
  async #delete(name: TableName, addresses: readonly string[]): Promise<void> {
    const keys = addresses.map((address) => this.store.keyOf(address)).filter((key) => key !== null);
    const isOld = (key: string) =>
      key.startsWith(versionPrefix(this.prefix, name)) && versionOf(key) !== null;
    const versions = keys.filter(isOld);
    if (versions.length > 0) await this.store.delete(versions);
  }
}

function idOf({ stage, name }: TableName): string {
  return `${stage}.${name}`;
}

function encode(metadata: TableMetadata): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(metadata));
}

function decode(bytes: Uint8Array): TableMetadata {
  const metadata: TableMetadata = JSON.parse(new TextDecoder().decode(bytes));
  if (metadata["format-version"] !== 2) {
    throw new Fault("table_unreadable", `Cannot load table: format version ${metadata["format-version"]}`, {
      blame: "dependency",
      retry: "never",
    });
  }
  return metadata;
}
