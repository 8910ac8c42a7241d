/**
 * One SQLite file that holds the batches of one topic: one row a batch, as a broker's log does, for the row is the cost.
 *
 *   batches(partition, base_offset, next_offset, newest_ms, bytes)      base <= offset < next, no gaps between rows
 *   partitions(partition, end_offset)                                   survives the trimming of every batch
 *
 * WAL and synchronous=FULL: a commit that returned survives a power cut. Any number of connections, in threads and
 * processes, may be open. Everything here is synchronous and never waits for another writer: a busy file answers null,
 * and the caller tries again, so that a thread is not held up and a busy neighbour cannot starve us by SQLite's own
 * growing pauses.
 */
import { DatabaseSync } from "node:sqlite";
import { Fault, messageOf } from "../errors.ts";
import type { Bounds, LogIdentity } from "./log.ts";

/** A batch that is framed and not yet stored. */
export interface Frame {
  partition: number;
  count: number;
  /** Highest received_at in it, for retention. */
  newest_ms: number;
  bytes: Uint8Array;
}

export interface StoredBatch {
  base_offset: number;
  bytes: Uint8Array;
}

export interface Held {
  records: number;
  bytes: number;
}

const FORMAT = 1;
const OPENING_TIMEOUT_MS = 10_000;
const OPENING_PAUSE_MS = 5;
/** A trim deletes at most so many batches at a time, so that it does not keep appends waiting. */
const TRIMMED_AT_ONCE = 100;
/**
 * A commit writes each page that it touches whole: small pages suit single webhooks (half the bytes of 16 kB pages), large
 * ones suit batches. The write-ahead log is carried over each 16 MiB, in the commit that fills it.
 */
const PAGE_BYTES = 8192;
const CHECKPOINT_PAGES = 2048;
const WAL_KEPT_BYTES = 64 * 1024 * 1024;

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER, id TEXT, partitions INTEGER);
  CREATE TABLE IF NOT EXISTS partitions (partition INTEGER PRIMARY KEY, end_offset INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS batches (
    partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    newest_ms INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS by_offset ON batches (partition, next_offset, base_offset, newest_ms);
`;

export class BatchTable implements Disposable {
  readonly identity: LogIdentity;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;

  /** Opens the file, or makes it with `partitions` partitions, which never change afterwards. */
  constructor(readonly path: string, partitions: number) {
    const doing = `open the log ${path}`;
    this.#db = orFault(doing, () => new DatabaseSync(path, { timeout: OPENING_TIMEOUT_MS }));
    try {
      this.identity = untilFree(this.#db, () => openSchema(this.#db, path, partitions));
      this.#sql = prepare(this.#db);
    } catch (error) {
      this.#db.close();
      throw storageFault(doing, error);
    }
  }

  /** Stores all frames or none, and answers with the offset of the first record of each; null when the file is busy. */
  append(frames: readonly Frame[]): number[] | null {
    return this.#write("append to", () =>
      frames.map(({ partition, count, newest_ms, bytes }) => {
        const next = Number(this.#sql.allocate.get(count, partition)?.end_offset);
        this.#sql.insert.run(partition, next - count, next, newest_ms, bytes);
        return next - count;
      }));
  }

  /** Deletes batches that end at or before `before`, not all at once: true when some may be left; null when busy. */
  trim(partition: number, before: number): boolean | null {
    return this.#write(
      "trim",
      () => Number(this.#sql.trim.run(partition, before).changes) === TRIMMED_AT_ONCE,
    );
  }

  endOf(partition: number): number | null {
    return this.#read(() => Number(this.#sql.endOf.get(partition)?.end_offset));
  }

  bounds(partition: number): Bounds | null {
    return this.#read(() => {
      // The oldest first: a batch that comes between the two look-ups only moves the end.
      const begin = this.#sql.oldest.get(partition)?.base_offset;
      const end = Number(this.#sql.endOf.get(partition)?.end_offset);
      return { begin: begin === undefined ? end : Number(begin), end };
    });
  }

  /** The offset of the oldest batch with a record received at `time_ms` or later; null when busy. */
  offsetAt(partition: number, time_ms: number): number | null {
    return this.#read(() =>
      Number(
        this.#sql.since.get(partition, time_ms)?.base_offset ?? this.#sql.endOf.get(partition)?.end_offset,
      )
    );
  }

  /** How much is held in all partitions together; null when busy. */
  held(): Held | null {
    return this.#read(() => {
      const sums = this.#sql.held.get();
      return { records: Number(sums?.records), bytes: Number(sums?.bytes) };
    });
  }

  /** Batches that hold offsets >= `from`, ascending, for as long as `wanted` says yes to what it was given. */
  eachFrom(partition: number, from: number, wanted: (batch: StoredBatch) => boolean): true | null {
    return this.#read(() => {
      for (const { base_offset, bytes } of this.#sql.from.iterate(partition, from)) {
        if (!(bytes instanceof Uint8Array)) throw new TypeError("A batch is no blob");
        if (!wanted({ base_offset: Number(base_offset), bytes })) break;
      }
      return true;
    });
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #read<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (codeOf(error) === SQLITE_BUSY) return null;
      throw storageFault(`read the log ${this.path}`, error);
    }
  }

  #write<T>(verb: string, work: () => T): T | null {
    try {
      this.#sql.begin.run();
    } catch (error) {
      if (codeOf(error) === SQLITE_BUSY) return null;
      throw storageFault(`${verb} the log ${this.path}`, error);
    }
    try {
      const answer = work();
      this.#sql.commit.run();
      return answer;
    } catch (error) {
      // A full disk ends the transaction by itself; otherwise it is ours to end.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw storageFault(`${verb} the log ${this.path}`, error);
    }
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    allocate: db.prepare(
      "UPDATE partitions SET end_offset = end_offset + ? WHERE partition = ? RETURNING end_offset",
    ),
    insert: db.prepare("INSERT INTO batches VALUES (?, ?, ?, ?, ?)"),
    endOf: db.prepare("SELECT end_offset FROM partitions WHERE partition = ?"),
    oldest: db.prepare("SELECT base_offset FROM batches WHERE partition = ? ORDER BY next_offset LIMIT 1"),
    from: db.prepare(
      "SELECT base_offset, bytes FROM batches WHERE partition = ? AND next_offset > ? ORDER BY next_offset",
    ),
    trim: db.prepare(
      `DELETE FROM batches WHERE rowid IN (SELECT rowid FROM batches
       WHERE partition = ? AND next_offset <= ? ORDER BY next_offset LIMIT ${TRIMMED_AT_ONCE})`,
    ),
    since: db.prepare(
      `SELECT base_offset FROM batches INDEXED BY by_offset
       WHERE partition = ? AND newest_ms >= ? ORDER BY next_offset LIMIT 1`,
    ),
    held: db.prepare(
      "SELECT total(next_offset - base_offset) AS records, total(length(bytes)) AS bytes FROM batches",
    ),
  };
}

function openSchema(db: DatabaseSync, path: string, partitions: number): LogIdentity {
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
  const known = db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'meta'").get();
  if (known?.tables === 0) {
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA}`);
    // Of several openers of a new file the first one's values stand.
    db.prepare("INSERT OR IGNORE INTO meta VALUES (1, ?, ?, ?)").run(FORMAT, crypto.randomUUID(), partitions);
    db.exec(
      `WITH RECURSIVE p(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM p, meta WHERE n + 1 < meta.partitions)
      INSERT OR IGNORE INTO partitions SELECT n, 0 FROM p; COMMIT`,
    );
  }
  const meta = db.prepare("SELECT format, id, partitions FROM meta").get();
  if (meta?.format !== FORMAT) {
    throw new Fault(
      "unknown_format",
      `Cannot open the log ${path}: it has format ${meta?.format}, known is ${FORMAT}`,
      {
        blame: "us",
        retry: "never",
      },
    );
  }
  db.exec("PRAGMA busy_timeout = 0");
  return { id: String(meta.id), partitions: Number(meta.partitions) };
}

/** Of several openers of a new file SQLite turns some away at once, whatever the timeout: they begin anew. */
function untilFree<T>(db: DatabaseSync, open: () => T): T {
  const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const until = performance.now() + OPENING_TIMEOUT_MS;
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (codeOf(error) !== SQLITE_BUSY || performance.now() >= until) throw error;
      if (db.isTransaction) db.exec("ROLLBACK");
      Atomics.wait(pause, 0, 0, OPENING_PAUSE_MS);
    }
  }
}

function orFault<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageFault(doing, error);
  }
}

function codeOf(error: unknown): number | null {
  const code = error instanceof Error && "errcode" in error ? error.errcode : null;
  return typeof code === "number" ? code & 0xff : null;
}

function storageFault(doing: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const damaged = codeOf(cause) === SQLITE_CORRUPT || codeOf(cause) === SQLITE_NOTADB ||
    /not a database|malformed/.test(messageOf(cause));
  return new Fault(damaged ? "log_damaged" : "log_unavailable", `Cannot ${doing}: ${messageOf(cause)}`, {
    blame: "dependency",
    retry: damaged ? "never" : "after_backoff",
    cause,
  });
}
