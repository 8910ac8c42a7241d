/** The embedded log: one SQLite file a topic in a folder, open to any number of threads and processes at once. */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import { BatchTable, type Held } from "./batch_table.ts";
import type { Frame } from "./commit_row.ts";
import { type Commit, type Group, GroupCommit } from "./group_commit.ts";
import type { Bounds, EventLog, LogIdentity, LogRecord, NewRecord, ReadLimits, Topic } from "./log.ts";
import { MAX_QUEUE_BYTES, MAX_RECORD_BYTES } from "./log_limits.ts";
import { decodeBatch, encodeBatch, recordBytes } from "./record_batch.ts";

export interface SqliteLogOptions {
  directory: string;
  /** Of each topic, when its file is made; an existing file keeps its own number. */
  partitions: number;
  /** Largest record, headers included. */
  max_record_bytes?: number;
  /** Room for appends that wait; beyond it they are refused with Fault "overloaded". */
  max_queue_bytes?: number;
  clock?: Clock;
}

/** A frame is read whole: no larger than this, unless a single record is. */
const FRAME_BYTES = 1024 * 1024;

/** How often a waiting read looks for batches of other threads and processes: one indexed look-up. */
const POLL_MS = 15;
/** A busy file is tried again after so long, and given up after that. */
const BUSY_PAUSE_MS = 1;
const BUSY_LIMIT_MS = 30_000;

/** Where the frames of a topic are stored: in this thread, or by a keeper (kept_log.ts). */
export interface Committer extends AsyncDisposable {
  /** Stores all frames or none, and answers with the offset of the first record of each. */
  commit(frames: readonly Frame[]): Promise<number[]>;
  /** Commits that may be under way at once; they are carried out in the order they were begun. */
  max_commits: number;
}

/** What is open of one topic. */
interface OpenTopic {
  table: BatchTable;
  committer: Committer;
  group: GroupCommit;
}

export async function openSqliteLog(options: SqliteLogOptions): Promise<SqliteLog> {
  await Deno.mkdir(options.directory, { recursive: true });
  const clock = options.clock ?? systemClock;
  return new SqliteLog(options, (_topic, table) => committerHere(table, clock));
}

export function topicFile(directory: string, topic: Topic): string {
  return `${directory}/${topic}.db`;
}

export class SqliteLog implements EventLog {
  readonly #topics = new Map<Topic, OpenTopic>();
  readonly #sleepers = new Set<() => void>();
  readonly #clock: Clock;
  #closed = false;

  constructor(
    readonly options: SqliteLogOptions,
    readonly committerFor: (topic: Topic, table: BatchTable) => Committer,
  ) {
    this.#clock = options.clock ?? systemClock;
  }

  // deno-lint-ignore require-await
  async identity(topic: Topic): Promise<LogIdentity> {
    return this.#open(topic).table.identity;
  }

  async append(topic: Topic, records: readonly NewRecord[]): Promise<number[]> {
    const offsets = await this.#open(topic).group.append(records);
    for (const wake of this.#sleepers) wake();
    return offsets;
  }

  async bounds(topic: Topic, partition: number): Promise<Bounds> {
    const { table } = this.#partition(topic, partition);
    return await patiently(() => table.bounds(partition), this.#clock);
  }

  async read(
    topic: Topic,
    partition: number,
    from: number,
    limits: ReadLimits,
    signal?: AbortSignal,
  ): Promise<LogRecord[]> {
    const { table } = this.#partition(topic, partition);
    const deadline = this.#clock.now() + limits.wait_ms;
    for (;;) {
      signal?.throwIfAborted();
      const end = await patiently(() => table.endOf(partition), this.#clock);
      if (end > from) return await this.#readNow(table, partition, from, limits);
      if (end < from) throw behind(table, partition, from, end);
      const left_ms = deadline - this.#clock.now();
      if (left_ms <= 0) return [];
      await this.#sleep(Math.min(POLL_MS, left_ms), signal);
    }
  }

  async trim(topic: Topic, partition: number, before: number): Promise<void> {
    const { table } = this.#partition(topic, partition);
    while (await patiently(() => table.trim(partition, before), this.#clock)) {
      await this.#clock.sleep(BUSY_PAUSE_MS);
    }
  }

  /** The first offset at or after which every record received at `time_ms` or later stands. */
  async offsetAt(topic: Topic, partition: number, time_ms: number): Promise<number> {
    const { table } = this.#partition(topic, partition);
    return await patiently(() => table.offsetAt(partition, time_ms), this.#clock);
  }

  /** How much a topic holds now. */
  async held(topic: Topic): Promise<Held> {
    const { table } = this.#open(topic);
    return await patiently(() => table.held(), this.#clock);
  }

  /** Answers every append first; waiting reads are rejected. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const wake of this.#sleepers) wake();
    for (const { table, committer, group } of this.#topics.values()) {
      await group.settled();
      await committer[Symbol.asyncDispose]();
      table[Symbol.dispose]();
    }
  }

  #open(topic: Topic): OpenTopic {
    if (this.#closed) throw new TypeError("The log is closed");
    const known = this.#topics.get(topic);
    if (known) return known;
    const { directory, partitions, max_record_bytes, max_queue_bytes } = this.options;
    const table = new BatchTable(topicFile(directory, topic), partitions);
    const committer = this.committerFor(topic, table);
    const group = new GroupCommit(framed(committer), {
      partitions: table.identity.partitions,
      max_record_bytes: max_record_bytes ?? MAX_RECORD_BYTES,
      max_queue_bytes: max_queue_bytes ?? MAX_QUEUE_BYTES,
      max_commits: committer.max_commits,
    });
    const opened = { table, committer, group };
    this.#topics.set(topic, opened);
    return opened;
  }

  #partition(topic: Topic, partition: number): OpenTopic {
    const opened = this.#open(topic);
    if (partition >= 0 && partition < opened.table.identity.partitions) return opened;
    throw new RangeError(`Topic ${topic} has no partition ${partition}`);
  }

  async #readNow(
    table: BatchTable,
    partition: number,
    from: number,
    limits: ReadLimits,
  ): Promise<LogRecord[]> {
    return await patiently(() => {
      const begin = table.beginOf(partition);
      if (begin === null) return null;
      if (from < begin) throw truncated(table, partition, from, begin);
      const taken = new Taken(from, limits);
      const answer = table.eachFrom(partition, from, ({ base_offset, bytes }) => {
        // Offsets have no gaps here, so a first batch that begins later means that others were dropped.
        if (taken.records.length === 0 && base_offset > from) {
          throw truncated(table, partition, from, base_offset);
        }
        return taken.take(decodeBatch(bytes, partition, base_offset));
      });
      if (answer === null) return null;
      if (taken.records.length === 0) throw truncated(table, partition, from, table.endOf(partition));
      return taken.records;
    }, this.#clock);
  }

  /** Until `ms` passed or this log appended something, whichever comes first. */
  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const wake = () => end(() => this.#closed ? reject(new TypeError("The log was closed")) : resolve());
      const abort = () => end(() => reject(signal!.reason));
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(wake);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}

/** Takes records from `from` on until a limit is met, the first one whatever its size. */
class Taken {
  readonly records: LogRecord[] = [];
  #bytes = 0;

  constructor(readonly from: number, readonly limits: ReadLimits) {}

  /** False when enough was taken. */
  take(batch: readonly LogRecord[]): boolean {
    for (const record of batch) {
      if (record.offset < this.from) continue;
      const bytes = recordBytes(record);
      if (this.records.length > 0 && this.#bytes + bytes > this.limits.max_bytes) return false;
      this.records.push(record);
      this.#bytes += bytes;
      if (this.records.length >= this.limits.max_records) return false;
    }
    return this.#bytes < this.limits.max_bytes;
  }
}

/** Frames are made in the calling thread; those of one partition get offsets one after the other. */
function framed(committer: Committer): Commit {
  return async (groups) => {
    const byGroup = groups.map(framesOf);
    const bases = await committer.commit(byGroup.flat());
    let at = 0;
    return byGroup.map((frames) => bases[(at += frames.length) - frames.length]);
  };
}

function framesOf({ partition, records }: Group): Frame[] {
  const frames: Frame[] = [];
  for (let start = 0; start < records.length;) {
    let end = start;
    let bytes = 0;
    let newest_ms = 0;
    while (end < records.length && (bytes === 0 || bytes < FRAME_BYTES)) {
      bytes += recordBytes(records[end]);
      newest_ms = Math.max(newest_ms, records[end].received_at);
      end++;
    }
    const framed = encodeBatch(records.slice(start, end));
    frames.push({ partition, count: end - start, newest_ms: Math.floor(newest_ms), bytes: framed });
    start = end;
  }
  return frames;
}

function committerHere(table: BatchTable, clock: Clock): Committer {
  return {
    commit: (frames: readonly Frame[]) => commitPatiently(table, frames, clock),
    max_commits: 1,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Stores the frames, waiting for other writers of the file. */
export function commitPatiently(
  table: BatchTable,
  frames: readonly Frame[],
  clock: Clock,
): Promise<number[]> {
  return patiently(() => table.append(frames), clock);
}

/** Tries until the file is not busy. */
async function patiently<T>(attempt: () => T | null, clock: Clock): Promise<T> {
  const deadline = clock.now() + BUSY_LIMIT_MS;
  for (;;) {
    const answer = attempt();
    if (answer !== null) return answer;
    if (clock.now() > deadline) {
      const message = `Cannot use the log: it was busy for ${BUSY_LIMIT_MS} ms`;
      throw new Fault("log_busy", message, { blame: "dependency", retry: "after_backoff" });
    }
    await clock.sleep(BUSY_PAUSE_MS);
  }
}

function truncated(table: BatchTable, partition: number, from: number, begin: number | null): Fault {
  const message =
    `Cannot read partition ${partition} of ${table.path} from ${from}: the log now begins at ${begin}`;
  return new Fault("log_truncated", message, { blame: "dependency", retry: "never" });
}

function behind(table: BatchTable, partition: number, from: number, end: number): Fault {
  const message = `Cannot read partition ${partition} of ${table.path} from ${from}: the log ends at ${end}`;
  return new Fault("log_behind", message, { blame: "dependency", retry: "never" });
}
