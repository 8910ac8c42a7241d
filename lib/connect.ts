/**
 * From settings to adapters: the only place that names them. Each is imported when it is needed, so that a role loads
 * no more than it uses (an edge in front of Kafka without spill loads neither SQLite nor a thread).
 */
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CheckpointChain } from "./checkpoint/chain.ts";
import type { Settings } from "./config.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Fault } from "./errors.ts";
import { fileCatalog } from "./iceberg/file_catalog.ts";
import type { Catalog } from "./iceberg/catalog.ts";
import type { KafkaLogOptions } from "./log/kafka_log.ts";
import type { Assignment, EventLog, LogIdentity } from "./log/log.ts";
import { Lander } from "./lake/lander.ts";
import type { LocalFiles } from "./lake/questions.ts";
import type { ParquetWriter } from "./parquet/writer.ts";
import type { QueryEngine } from "./query/engine.ts";
import { orFault } from "./store/disk_fault.ts";
import { tryWriting } from "./store/local_file.ts";
import type { ObjectStore } from "./store/object_store.ts";
import type { Patience } from "./store/s3_attempt.ts";

const HOUR_MS = 3_600_000;
/** DuckDB's share of the maintain thread. */
const WRITER_MEMORY_BYTES = 512 * 1024 * 1024;
/**
 * Of DuckDB for what is written. Two writes are under way at once, each in a thread that calls: on few cores more of them
 * would only take turns with these and with the owners.
 */
const WRITER_THREADS = Math.max(1, Math.min(2, Math.floor(navigator.hardwareConcurrency / 4)));
/** The door waits so long for the brokers before it spills: no sender of webhooks has given up by then. */
const SPILL_AFTER_MS = 3_000;

/** As long as a look at the health waits for an answer. */
const IMPATIENT: Partial<Patience> = { away_after_ms: 2_000 };

/** Where the tables live below the store's root; on S3 the setting says. */
export const DISK_LAKE_PREFIX = "lake/";

export interface Share {
  /** Which of how many workers of this program. */
  index: number;
  count: number;
}

export function logFolder(settings: Settings): string {
  return `${settings.DATA_DIR}/log`;
}

/** The log for whoever may wait for the disk: workers and commands. */
export async function connectLog(settings: Settings): Promise<EventLog> {
  if (settings.KAFKA_BROKERS !== null) {
    const { KafkaLog } = await import("./log/kafka_log.ts");
    return new KafkaLog(kafkaOptions(settings));
  }
  const { openSqliteLog } = await import("./log/sqlite_log.ts");
  return await openSqliteLog({ directory: logFolder(settings), partitions: settings.PARTITIONS });
}

/** A copy of the embedded log in `folder`, opened; what was there before is replaced. */
export async function copyEmbeddedLog(settings: Settings, folder: string): Promise<EventLog> {
  const { copyLog } = await import("./log/copy_log.ts");
  const { openSqliteLog } = await import("./log/sqlite_log.ts");
  await Deno.remove(folder, { recursive: true }).catch(() => undefined);
  await Deno.mkdir(folder, { recursive: true });
  await copyLog(logFolder(settings), folder);
  return await openSqliteLog({ directory: folder, partitions: settings.PARTITIONS });
}

export interface DoorLogParts {
  /** The script of the thread that waits for the disk (workers/log_keeper.ts). */
  keeper_url: URL;
  /** Told when spilling begins and ends. */
  warn: (message: string) => void;
}

/** The log for the door: its thread never waits for the disk. */
export async function connectDoorLog(settings: Settings, parts: DoorLogParts): Promise<EventLog> {
  if (settings.KAFKA_BROKERS !== null) return await connectDoorKafka(settings, parts);
  return await connectKeptLog(settings, logFolder(settings), parts);
}

/** With room for a spill the door goes on while the brokers are away; without, it loads neither SQLite nor a thread. */
async function connectDoorKafka(settings: Settings, parts: DoorLogParts): Promise<EventLog> {
  if (settings.SPILL_MAX_BYTES === 0) return await connectLog(settings);
  const { KafkaLog } = await import("./log/kafka_log.ts");
  const { openSpillingLog } = await import("./log/spill.ts");
  return await openSpillingLog({
    broker: new KafkaLog({ ...kafkaOptions(settings), append_timeout_ms: SPILL_AFTER_MS }),
    store: await connectKeptLog(settings, `${settings.DATA_DIR}/spill`, parts),
    max_bytes: settings.SPILL_MAX_BYTES,
    warn: parts.warn,
  });
}

async function connectKeptLog(settings: Settings, directory: string, { keeper_url }: DoorLogParts) {
  const { openKeptLog } = await import("./log/kept_log.ts");
  return await openKeptLog({ directory, partitions: settings.PARTITIONS, worker_url: keeper_url });
}

/** How to reach the brokers, and what our topics are called. */
function kafkaOptions(settings: Settings): KafkaLogOptions {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME, KAFKA_PASSWORD, KAFKA_SSL_CA } = settings;
  return {
    brokers: settings.KAFKA_BROKERS!.split(",").map((broker) => broker.trim()),
    ssl: KAFKA_SSL_CA === null ? settings.KAFKA_SSL : { ca: [KAFKA_SSL_CA] },
    topic_prefix: settings.KAFKA_TOPIC_PREFIX,
    ...(mechanism === null
      ? {}
      : { sasl: { mechanism, username: KAFKA_USERNAME ?? "", password: KAFKA_PASSWORD ?? "" } }),
  };
}

/** Makes the topics that are missing and refuses wrong ones; nothing to do for the embedded log. */
export async function prepareLog(settings: Settings): Promise<void> {
  if (settings.KAFKA_BROKERS === null) return;
  const { prepareTopics } = await import("./log/kafka_topics.ts");
  const options = kafkaOptions(settings);
  await prepareTopics(options, {
    topic_prefix: options.topic_prefix,
    partitions: settings.PARTITIONS,
    replication: settings.KAFKA_REPLICATION,
    retention_ms: Math.max(1, settings.LOG_RETENTION_HOURS) * HOUR_MS,
  });
}

/** Who says which partitions a process worker owns. */
export async function connectAssignment(
  settings: Settings,
  identity: LogIdentity,
  share: Share,
  warn: (message: string) => void,
): Promise<Assignment> {
  if (settings.KAFKA_BROKERS !== null) {
    const { KafkaAssignment } = await import("./log/kafka_assignment.ts");
    return new KafkaAssignment({ ...kafkaOptions(settings), warn });
  }
  const { StaticAssignment } = await import("./log/static_assignment.ts");
  return new StaticAssignment({ partitions: identity.partitions, index: share.index, owners: share.count });
}

/** The store for whoever writes a lake, patiently: a missing bucket is made. */
export async function connectStore(
  settings: Settings,
  patience: Partial<Patience> = {},
): Promise<ObjectStore> {
  if (settings.S3_BUCKET === null) return await openDisk(settings);
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openBucket(settings, patience));
  await store.ensureBucket();
  opening.move();
  return store;
}

/** The store as it is, for whoever must not make one: somebody waits for an answer, also for that it is away. */
export async function openStore(settings: Settings): Promise<ObjectStore> {
  return settings.S3_BUCKET === null ? await openDisk(settings) : await openBucket(settings, IMPATIENT);
}

async function openDisk({ DATA_DIR }: Settings): Promise<ObjectStore> {
  const { openDiskStore } = await import("./store/disk_store.ts");
  return openDiskStore(DATA_DIR);
}

async function openBucket(settings: Settings, patience: Partial<Patience>) {
  const { openS3Store, s3Options } = await import("./store/s3_store.ts");
  return openS3Store(s3Options(settings), patience);
}

/** Whether the bucket of the settings is there. */
export async function hasBucket(settings: Settings): Promise<boolean> {
  await using store = await openBucket(settings, IMPATIENT);
  return await store.hasBucket();
}

export function lakePrefix(settings: Settings): string {
  return settings.S3_BUCKET === null ? DISK_LAKE_PREFIX : settings.S3_PREFIX;
}

export function connectCatalog(settings: Settings, store: ObjectStore): Catalog {
  return fileCatalog(store, { prefix: lakePrefix(settings) });
}

/** One chain of checkpoints a partition; a pause between tries grows, with jitter. */
export function connectChains(
  store: ObjectStore,
  partitions: number,
  clock: Clock = systemClock,
): Map<number, CheckpointChain> {
  const pause = (attempt: number) => clock.sleep(Math.random() * Math.min(5_000, 50 * 2 ** attempt));
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  return new Map(numbers.map((partition) => [partition, new CheckpointChain(store, partition, pause)]));
}

/** Refuses a store that lets several creators win. */
export async function probeStore(store: ObjectStore): Promise<void> {
  const { probeStore: probe } = await import("./store/probe.ts");
  await probe(store);
}

/** The same of the store of the settings, where a missing bucket is made. */
export async function proveStore(settings: Settings): Promise<void> {
  await using store = await connectStore(settings, IMPATIENT);
  await probeStore(store);
}

/**
 * Room for what does not fit into memory: in DATA_DIR, and where that cannot be written, as on a copy that is only to be
 * read, among the temporary files of the system.
 */
async function scratchFolder({ DATA_DIR }: Settings, name: string): Promise<string> {
  const folder = join(DATA_DIR, "tmp", name);
  try {
    await orFault("make", folder, () => tryWriting(folder));
    return folder;
  } catch (error) {
    if (error instanceof Fault && error.code === "store_forbidden") return tmpdir();
    throw error;
  }
}

/** What `open` opens on a scratch folder below `name`; closing it removes the folder, too. */
async function inScratch<T extends AsyncDisposable>(
  settings: Settings,
  name: string,
  open: (path: string) => Promise<T>,
): Promise<{ part: T; close(): Promise<void> }> {
  const { openScratch } = await import("./store/scratch.ts");
  await using building = new AsyncDisposableStack();
  const scratch = building.use(await openScratch(await scratchFolder(settings, name)));
  const part = building.use(await open(scratch.path));
  const stack = building.move();
  return { part, close: () => stack.disposeAsync() };
}

/** Where data files lie that queries read, as the store and the cache write their paths: DATA_DIR may be a link, or relative. */
function dataFolder({ DATA_DIR }: Settings, name: "lake" | "cache"): string {
  return resolve(DATA_DIR, name);
}

/** Native DuckDB in processes of its own; nothing native is loaded here. `lastWords` hears why one ended by itself. */
export async function connectEngine(
  settings: Settings,
  script: URL,
  lastWords?: (ended: string, words: string) => void,
): Promise<QueryEngine> {
  const { openDuckdbEngine } = await import("./query/duckdb_engine.ts");
  const folders = dataFolder(settings, settings.S3_BUCKET === null ? "lake" : "cache");
  await orFault("make", folders, () => Deno.mkdir(folders, { recursive: true }));
  const { part: engine, close } = await inScratch(settings, "query", async (path) =>
    openDuckdbEngine({
      script: script.href,
      deno: Deno.execPath(),
      allowed_directories: [folders],
      temp_directory: await Deno.realPath(path),
      timeout_ms: settings.QUERY_TIMEOUT_MS,
      max_bytes: settings.QUERY_MAX_BYTES,
      max_concurrent: settings.QUERY_MAX_CONCURRENT,
      environment: settings.deno_dir === null ? {} : { DENO_DIR: settings.deno_dir },
      lastWords,
    }));
  return {
    run: (request, signal) => engine.run(request, signal),
    runToParquet: (request, signal) => engine.runToParquet(request, signal),
    [Symbol.asyncDispose]: close,
  };
}

/** Native DuckDB in this thread, for rows on their way into tables: trusted statements only. */
export async function connectWriter(settings: Settings): Promise<ParquetWriter> {
  const { openParquetWriter } = await import("./parquet/writer.ts");
  const { part: writer, close } = await inScratch(
    settings,
    "",
    (temp_directory) =>
      openParquetWriter({ memory_bytes: WRITER_MEMORY_BYTES, threads: WRITER_THREADS, temp_directory }),
  );
  return {
    write: (request) => writer.write(request),
    query: (sql, options) => writer.query(sql, options),
    [Symbol.asyncDispose]: close,
  };
}

export function connectLander(settings: Settings, store: ObjectStore, writer: ParquetWriter): Lander {
  return new Lander({
    store,
    writer,
    prefix: lakePrefix(settings),
    folder: `${settings.DATA_DIR}/tmp/landing`,
  });
}

/** Local copies of data files for queries, where the store's own files cannot be read by path. Disposed after the last lease. */
export async function connectFiles(
  settings: Settings,
  store: ObjectStore,
): Promise<(LocalFiles & AsyncDisposable) | null> {
  if (settings.S3_BUCKET === null) return null;
  const { FileCache } = await import("./store/file_cache.ts");
  return new FileCache(store, { folder: dataFolder(settings, "cache"), max_bytes: settings.CACHE_MAX_BYTES });
}

/** What Iceberg clients are told about the store. Never a key: clients bring their own, which may only read. */
export function clientConfig(settings: Settings): Record<string, string> {
  if (settings.S3_BUCKET === null) return {};
  const endpoint = settings.S3_PUBLIC_ENDPOINT ?? settings.S3_ENDPOINT;
  const region = { "s3.region": settings.S3_REGION, "client.region": settings.S3_REGION };
  return endpoint === null ? region : { ...region, "s3.endpoint": endpoint, "s3.path-style-access": "true" };
}

/** Where the browser is redirected to for data files, for the content policy; null with the disk store. */
export async function storeOrigin(store: Pick<ObjectStore, "presign">): Promise<string | null> {
  // An address says it better than the settings do: AWS has names of its own for buckets and regions.
  const signed = await store.presign("any", 1);
  return signed === null ? null : new URL(signed).origin;
}
