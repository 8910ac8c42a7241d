/**
 * A whole lake in a quick folder, moved step by step by a test: records in, checkpoints, tables, upkeep; the clock moves
 * only when the test moves it. Any step may be given a store or log that fails.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { CheckpointChain } from "../../lib/checkpoint/chain.ts";
import type { Checkpoint } from "../../lib/checkpoint/checkpoint.ts";
import { restoreState } from "../../lib/checkpoint/restore.ts";
import type { Clock } from "../../lib/clock.ts";
import { readSettings } from "../../lib/config.ts";
import { type Configuration, loadConfiguration } from "../../lib/configuration.ts";
import { connectChains } from "../../lib/connect.ts";
import { createJudge } from "../../lib/event/judge.ts";
import type { Catalog } from "../../lib/iceberg/catalog.ts";
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { namedObjects } from "../../lib/iceberg/named_objects.ts";
import { readFiles } from "../../lib/iceberg/live_files.ts";
import { versionOf } from "../../lib/iceberg/paths.ts";
import { appliedOf, markOf } from "../../lib/lake/applied.ts";
import { audit, type AuditBounds } from "../../lib/lake/audit.ts";
import { Collector } from "../../lib/lake/collector.ts";
import { Compactor } from "../../lib/lake/compactor.ts";
import { ensureTables } from "../../lib/lake/ensure_tables.ts";
import { evolveTable } from "../../lib/lake/evolution.ts";
import { type ExpireOptions, expireTable } from "../../lib/lake/expiry.ts";
import { currentFields, Lander } from "../../lib/lake/lander.ts";
import { Publisher } from "../../lib/lake/publisher.ts";
import { parseTableKey } from "../../lib/lake/table_key.ts";
import { lakeTables, type TableSpec } from "../../lib/lake/tables.ts";
import type { EventLog, NewRecord } from "../../lib/log/log.ts";
import { openSqliteLog, type SqliteLog } from "../../lib/log/sqlite_log.ts";
import { EventProcessor } from "../../lib/partition/event_processor.ts";
import { type AppliedMark, type OwnerContext, ownPartition } from "../../lib/partition/owner.ts";
import { parquetRelation } from "../../lib/parquet/relation.ts";
import { openParquetWriter, type ParquetWriter } from "../../lib/parquet/writer.ts";
import { openDiskStore } from "../../lib/store/disk_store.ts";
import type { ObjectStore } from "../../lib/store/object_store.ts";
import { quickFolder } from "../quick_folder.ts";

export const PREFIX = "lake/";
export const START = Date.parse("2026-03-01T12:00:00Z");
export const GRACE_MS = 3_600_000;
const MINUTE_MS = 60_000;
const IMAGE_FLOOR_BYTES = 1_200_000;

/** No files, so that nothing stands in the log but what a test puts there. */
const NOTHING = { body: {}, version: "", file_hash: "" };
const SEEDS = { rules: NOTHING, settings: NOTHING };

export const configuration: Configuration = await loadConfiguration(settingsOf());

function settingsOf() {
  const reading = readSettings({ CONFIG_DIR: "/nonexistent" }, () => "");
  if (!reading.ok) throw new Error("settings");
  return reading.settings;
}

const ADDRESS = "s3://portable/";

/** A disk store whose addresses do not name its folder, so that a copy of the folder is the same lake. */
function portableStore(folder: string): ObjectStore {
  const disk = openDiskStore(folder);
  return {
    uri: (key) => ADDRESS + key,
    keyOf: (uri) => uri.startsWith(ADDRESS) ? uri.slice(ADDRESS.length) : null,
    localPath: (key) => disk.localPath(key),
    create: (key, body, signal) => disk.create(key, body, signal),
    createFromFile: (key, path, signal) => disk.createFromFile(key, path, signal),
    read: (key, range, signal) => disk.read(key, range, signal),
    readToFile: (key, path, signal) => disk.readToFile(key, path, signal),
    head: (key) => disk.head(key),
    list: (prefix, after) => disk.list(prefix, after),
    delete: (keys) => disk.delete(keys),
    putHint: (key, body) => disk.putHint(key, body),
    presign: (key, ttl_seconds) => disk.presign(key, ttl_seconds),
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

export class TestClock implements Clock {
  constructor(public time = START) {}
  now(): number {
    return this.time;
  }
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** What the parts of the program are given: stores and logs may fail, the clock may lie. */
export interface Hands {
  store?: ObjectStore;
  log?: EventLog;
  clock?: Clock;
  catalog?: Catalog;
  /** Hears what a publisher passes over. */
  alarm?: (message: string) => void;
  /** Records that an owner reads at once, and decides; three by default. */
  at_once?: number;
  /** Hears of each decision. */
  decided?: () => void;
  /** Changes for which an image is made; few, so that images come often. */
  image_floor_bytes?: number;
}

export class SmallLake implements AsyncDisposable {
  readonly specs: readonly TableSpec[];
  #appended = 0;
  /** Whether the metadata files of earlier versions have to be there; a backup leaves them behind. */
  has_history = true;

  private constructor(
    readonly folder: string,
    readonly writer: ParquetWriter,
    readonly log: SqliteLog,
    readonly store: ObjectStore,
    readonly clock: TestClock,
  ) {
    this.specs = lakeTables(configuration.kinds, []).filter(({ key }) =>
      key === "raw.events" || key === "processed.transactions"
    );
  }

  /** A new one, or the one in `folder`. */
  static async open(
    writer: ParquetWriter,
    folder?: string,
    { clock = new TestClock(), store }: { clock?: TestClock; store?: ObjectStore } = {},
  ): Promise<SmallLake> {
    const own = folder ?? await quickFolder();
    const log = await openSqliteLog({ directory: `${own}/log`, partitions: 1 });
    const lake = new SmallLake(own, writer, log, store ?? portableStore(own), clock);
    lake.#appended = (await log.bounds("events", 0)).end;
    await ensureTables({
      catalog: lake.catalog(),
      store: lake.store,
      specs: lake.specs,
      prefix: PREFIX,
      now: () => START,
    });
    return lake;
  }

  /** Another lake with the same objects and records, and a clock of its own. */
  async copy(): Promise<SmallLake> {
    const folder = await quickFolder();
    await new Deno.Command("cp", { args: ["-r", `${this.folder}/.`, folder] }).output();
    return await SmallLake.open(this.writer, folder, { clock: new TestClock(this.clock.time) });
  }

  catalog({ store = this.store, clock = this.clock, catalog }: Hands = {}): Catalog {
    return catalog ?? fileCatalog(store, { prefix: PREFIX, clock, random: () => 0 });
  }

  chains({ store = this.store, clock = this.clock }: Hands = {}): Map<number, CheckpointChain> {
    return connectChains(store, 1, clock);
  }

  get records(): number {
    return this.#appended;
  }

  async append(count: number, fields: Record<string, unknown> = {}): Promise<void> {
    const records = Array.from(
      { length: count },
      (_, i) => transaction(this.#appended + i, this.clock.time, fields),
    );
    await this.log.append("events", records);
    this.#appended += count;
  }

  async appendRecord(record: NewRecord): Promise<void> {
    await this.log.append("events", [record]);
    this.#appended++;
  }

  /** Owns the partition until all records are decided. */
  async process(hands: Hands = {}): Promise<void> {
    const { store = this.store, log = this.log, at_once = 3 } = hands;
    const caughtUp = Promise.withResolvers<void>();
    const seen = ({ next_offset }: Checkpoint) => {
      hands.decided?.();
      if (next_offset === this.#appended) caughtUp.resolve();
    };
    const context: OwnerContext = {
      log: fewAtATime(log, at_once),
      store,
      clock: { now: () => this.clock.time, sleep: () => new Promise((resolve) => setTimeout(resolve)) },
      identity: await this.log.identity("events"),
      chain: this.chains(hands).get(0)!,
      checkpoint_ms: 0,
      tick_after_ms: 1e12,
      seeds: () => SEEDS,
      image_floor_bytes: hands.image_floor_bytes ?? IMAGE_FLOOR_BYTES,
      newId: () => crypto.randomUUID(),
      newProcessor: (partition) => newProcessor(partition),
      applied: () => this.#applied(),
      events: { claimed: seen, decided: seen, turned() {}, lag() {}, warn() {}, alarm() {} },
      evolve: ({ changes }) =>
        evolveTable(
          { catalog: this.catalog(hands), store, now: () => this.clock.time },
          "processed.transactions",
          changes,
        ),
    };
    const abort = new AbortController();
    const owner = ownPartition(0, context, abort.signal);
    await Promise.race([caughtUp.promise, owner]);
    abort.abort();
    await owner;
  }

  async #applied(): Promise<AppliedMark[]> {
    const tables = await Promise.all(this.specs.map(({ key }) => this.catalog().load(parseTableKey(key))));
    return tables.filter((table) => table !== null)
      .map(({ metadata }) => markOf(appliedOf(metadata), 0));
  }

  lander(hands: Hands = {}): Lander {
    const { store = this.store } = hands;
    return new Lander({ store, writer: this.writer, prefix: PREFIX, folder: `${this.folder}/tmp` });
  }

  publisher(hands: Hands = {}): Publisher {
    return new Publisher({
      store: hands.store ?? this.store,
      catalog: this.catalog(hands),
      chains: this.chains(hands),
      lander: this.lander(hands),
      clock: hands.clock ?? this.clock,
      alarm: hands.alarm ?? (() => undefined),
    });
  }

  /** One commit for every `step` checkpoints, so that there are files to compact. */
  async publish(hands: Hands = {}, step = 1): Promise<void> {
    const publisher = this.publisher(hands);
    const decided = (await publisher.decided()).get(0)!;
    for (const spec of this.specs) {
      for (let upTo = step; upTo < decided.length + step; upTo += step) {
        await publisher.publish(spec, new Map([[0, decided.slice(0, upTo)]]));
      }
    }
  }

  async compact(hands: Hands = {}): Promise<void> {
    const { store = this.store } = hands;
    const compactor = new Compactor({
      store,
      catalog: this.catalog(hands),
      writer: this.writer,
      lander: this.lander(hands),
      clock: hands.clock ?? this.clock,
    });
    for (const spec of this.specs) await compactor.compact(spec, { full: true });
  }

  collector(hands: Hands = {}, options: { log_retention_hours?: number } = {}): Collector {
    const { store = this.store, log = this.log, clock = this.clock } = hands;
    return new Collector({
      store,
      log,
      clock,
      catalog: this.catalog(hands),
      chains: this.chains(hands),
      prefix: PREFIX,
      grace_ms: GRACE_MS,
      log_retention_hours: 0,
      ...options,
    });
  }

  /** Both passes, with the grace in between. */
  async collect(hands: Hands = {}): Promise<void> {
    await this.collector(hands).collect({ full: true });
    this.clock.time += GRACE_MS;
    await this.collector(hands).collect({ full: true });
  }

  async rows(table: string, sql: (relation: string) => string, snapshot?: number): Promise<unknown[][]> {
    const { metadata } = (await this.catalog().load(parseTableKey(table)))!;
    const files = await readFiles(portableStore(this.folder), metadata, snapshot);
    const paths = files.map((file) => this.store.localPath(this.store.keyOf(file.path)!)!);
    return (await this.writer.query(sql(`(${parquetRelation(paths, currentFields(metadata))})`))).rows;
  }

  async problems(within?: AuditBounds): Promise<string[]> {
    const report = await audit({
      within,
      catalog: this.catalog(),
      store: this.store,
      chains: this.chains(),
      ask: (sql) => this.rows("raw.events", sql),
    });
    return report.problems;
  }

  async expire(hands: Hands = {}, options: ExpireOptions = { full: true }): Promise<void> {
    const { store = this.store, clock = this.clock } = hands;
    for (const { key } of this.specs) {
      await expireTable({ catalog: this.catalog(hands), store, clock }, parseTableKey(key), options);
    }
  }

  /** Publishes what is left; then every record is one row, and nothing that is named is missing. */
  async checkWhole(): Promise<void> {
    await this.publish();
    await this.checkObjects();
    for (const { key } of this.specs) {
      const ordered = (one: string) => `SELECT list(log_offset ORDER BY log_offset) FROM ${one}`;
      const [[offsets]] = await this.rows(key, ordered);
      const all = Array.from({ length: this.#appended }, (_, i) => i);
      deepStrictEqual((offsets as string[]).map(Number), all, key);
    }
    deepStrictEqual(await this.problems(), []);
  }

  /** What snapshots name is there, in its full length; the two newest checkpoints can be restored from and read on. */
  async checkObjects(): Promise<void> {
    const there = new Map<string, number>();
    for await (const { key, size_bytes } of this.store.list("")) there.set(key, size_bytes);
    for (const address of await this.#named()) {
      if (!this.has_history && versionOf(address) !== null) continue;
      ok(there.has(this.store.keyOf(address)!), `${address} is gone`);
    }
    for (const { key } of this.specs) {
      const { metadata } = (await this.catalog().load(parseTableKey(key)))!;
      for (const { path, size_bytes } of await readFiles(this.store, metadata)) {
        strictEqual(there.get(this.store.keyOf(path)!), size_bytes);
      }
    }
    const chain = this.chains().get(0)!;
    const { checkpoint: newest } = await chain.head();
    const older = await chain.read(newest!.previous);
    for (const one of [newest!, older!]) {
      const processor = newProcessor(0);
      await restoreState(chain, one, processor.stateNames, processor);
      await this.log.read("events", 0, one.next_offset, { max_records: 1, max_bytes: 1, wait_ms: 0 });
    }
  }

  /** Nothing is left but what is named, hints, and what the two newest checkpoints need. */
  async checkNothingElse(): Promise<void> {
    const named = new Set((await this.#named()).map((address) => this.store.keyOf(address)));
    const isOther = (key: string) => !named.has(key) && !/version-hint\.text$|\.tables\//.test(key);
    deepStrictEqual((await this.keys(PREFIX)).filter(isOther), []);
    const chain = this.chains().get(0)!;
    const numbers = await chain.numbers();
    const kept = (await Promise.all(numbers.map((number) => chain.read(number)))).filter((one) =>
      one !== null
    );
    const newest = kept.slice(-2);
    const from = Math.min(...newest.map((one) => one.state.after + 1), newest[0].number);
    ok(kept.every((one) => one.number >= from), "checkpoints are left");
    const needed = kept.filter((one) => one.number > Math.min(...newest.map(({ state }) => state.after)));
    deepStrictEqual(await this.keys("segments/"), needed.flatMap((one) => one.segment?.key ?? []).sort());
    const images = new Set(newest.flatMap((one) => one.state.image?.key ?? []));
    deepStrictEqual(await this.keys("state/0/"), [...images].sort());
    deepStrictEqual(await this.keys("state/collections/"), []);
  }

  async #named(): Promise<string[]> {
    const tables = await Promise.all(this.specs.map(({ key }) => this.catalog().load(parseTableKey(key))));
    return (await Promise.all(tables.map((table) => namedObjects(portableStore(this.folder), table!))))
      .flatMap((names) => [...names]);
  }

  async keys(prefix = ""): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(prefix)) if (!/^(log|tmp)\//.test(key)) keys.push(key);
    return keys;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** With what the store's owner would be given; `files` are the configuration, by default none. */
export function newProcessor(partition: number, files: Configuration = configuration): EventProcessor {
  return new EventProcessor({
    partition,
    judge: createJudge(files),
    kinds: files.kinds,
    sources: files.sources,
    defaults: {
      out_of_orderness_ms: 10_000,
      allowed_lateness_ms: 3_600_000,
      dedup_token_ms: 3_600_000,
      dedup_webhook_ms: 1,
      dedup_max_ids: 1_000,
    },
    observe: { deadLetter() {}, duplicate() {}, late() {}, result() {}, warn() {} },
  });
}

function fewAtATime(log: EventLog, max_records: number): EventLog {
  return {
    identity: (topic) => log.identity(topic),
    append: (topic, records) => log.append(topic, records),
    bounds: (topic, partition) => log.bounds(topic, partition),
    read: (topic, partition, from, limits, signal) =>
      log.read(topic, partition, from, { ...limits, max_records, wait_ms: 1 }, signal),
    offsetAt: (topic, partition, time_ms) => log.offsetAt(topic, partition, time_ms),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function transaction(i: number, received_at: number, fields: Record<string, unknown>): NewRecord {
  const event = {
    event_id: `e${i}`,
    timestamp: received_at - 1000 + i,
    user_id: `u${i % 2}`,
    amount: `${i + 1}.25`,
    currency: "EUR",
    status: "completed",
    ...fields,
  };
  return {
    partition: 0,
    key: `u${i % 2}`,
    value: new TextEncoder().encode(JSON.stringify(event)),
    headers: { source: "token", kind: "transaction", content_type: "application/json" },
    received_at,
  };
}

/** For tests that need DuckDB: one that is gone afterwards. */
export async function withWriter(use: (writer: ParquetWriter) => Promise<void>): Promise<void> {
  const temp_directory = await Deno.makeTempDir();
  await using writer = await openParquetWriter({ memory_bytes: 2 ** 28, threads: 1, temp_directory });
  await use(writer);
  await Deno.remove(temp_directory, { recursive: true });
}

/** A lake with garbage of every sort: applied segments, replaced files, forgotten snapshots; and rows yet to publish. */
export async function usedLake(writer: ParquetWriter): Promise<SmallLake> {
  const lake = await SmallLake.open(writer);
  for (let round = 0; round < 3; round++) {
    await lake.append(9);
    await lake.process();
    await lake.publish();
    lake.clock.time += MINUTE_MS;
  }
  await lake.compact();
  lake.clock.time += 3 * 60 * MINUTE_MS;
  await lake.expire();
  await lake.append(6);
  await lake.process();
  return lake;
}
