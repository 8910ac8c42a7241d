/**
 * The SQLite file of one topic as a whole: opened by any number of threads and processes, made by the first, carried over
 * when an earlier version wrote it; and what its failures mean.
 *
 * WAL and synchronous=FULL: a commit that returned survives a power cut.
 */
import { DatabaseSync } from "node:sqlite";
import { Fault, messageOf } from "../errors.ts";
import { carryOver, FORMAT_BEFORE } from "./format_before.ts";
import type { LogIdentity } from "./log.ts";

const FORMAT = 2;
const OPENING_TIMEOUT_MS = 10_000;
const OPENING_PAUSE_MS = 5;
/**
 * A commit writes each page that it touches whole: one to three, for a row of a few webhooks. Large pages suit batches.
 * The write-ahead log is carried over each 16 MiB, in the commit that fills it.
 */
const PAGE_BYTES = 16 * 1024;
const CHECKPOINT_PAGES = 1024;
const WAL_KEPT_BYTES = 64 * 1024 * 1024;

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER, id TEXT, partitions INTEGER);
  CREATE TABLE IF NOT EXISTS begins (partition INTEGER PRIMARY KEY, begin_offset INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS commits (
    number INTEGER PRIMARY KEY, newest_ms INTEGER NOT NULL, places BLOB NOT NULL, bytes BLOB NOT NULL);
`;

/** Opens the file, or makes it with `partitions` partitions. Nothing waits for another writer afterwards. */
export function openLogFile(path: string, partitions: number): { db: DatabaseSync; identity: LogIdentity } {
  const doing = `open the log ${path}`;
  let db: DatabaseSync | null = null;
  try {
    const opened = db = new DatabaseSync(path, { timeout: OPENING_TIMEOUT_MS });
    return { db, identity: untilFree(db, () => openSchema(opened, path, partitions)) };
  } catch (error) {
    db?.close();
    throw storageFault(doing, error);
  }
}

function openSchema(db: DatabaseSync, path: string, partitions: number): LogIdentity {
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
  const known = db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'meta'").get();
  if (known?.tables === 0) {
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA}`);
    // Of several openers of a new file the first one's values stand.
    db.prepare("INSERT OR IGNORE INTO meta VALUES (1, ?, ?, ?)").run(FORMAT, crypto.randomUUID(), partitions);
    db.exec("COMMIT");
  }
  if (formatOf(db) === FORMAT_BEFORE) {
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA}`);
    // Another opener may have done it by now.
    if (formatOf(db) === FORMAT_BEFORE) carryOver(db, FORMAT);
    db.exec("COMMIT");
  }
  const meta = db.prepare("SELECT format, id, partitions FROM meta").get();
  if (meta?.format !== FORMAT) {
    const message = `Cannot open the log ${path}: it has format ${meta?.format}, known is ${FORMAT}`;
    throw new Fault("unknown_format", message, { blame: "us", retry: "never" });
  }
  db.exec("PRAGMA busy_timeout = 0");
  return { id: String(meta.id), partitions: Number(meta.partitions) };
}

function formatOf(db: DatabaseSync): unknown {
  return db.prepare("SELECT format FROM meta").get()?.format;
}

/** Of several openers of a new file SQLite turns some away at once, whatever the timeout: they begin anew. */
function untilFree<T>(db: DatabaseSync, open: () => T): T {
  const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const until = performance.now() + OPENING_TIMEOUT_MS;
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error;
      if (db.isTransaction) db.exec("ROLLBACK");
      Atomics.wait(pause, 0, 0, OPENING_PAUSE_MS);
    }
  }
}

/** Somebody else is writing: the caller tries again. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === SQLITE_BUSY;
}

function codeOf(error: unknown): number | null {
  const code = error instanceof Error && "errcode" in error ? error.errcode : null;
  return typeof code === "number" ? code & 0xff : null;
}

export function storageFault(doing: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const damaged = codeOf(cause) === SQLITE_CORRUPT || codeOf(cause) === SQLITE_NOTADB ||
    /not a database|malformed/.test(messageOf(cause));
  // Readers share memory with the writers, in a file beside it.
  const hint = /unable to open|readonly database/.test(messageOf(cause))
    ? "; who reads a log must be able to write in its folder, too"
    : "";
  const message = `Cannot ${doing}: ${messageOf(cause)}${hint}`;
  return new Fault(damaged ? "log_damaged" : "log_unavailable", message, {
    blame: "dependency",
    retry: damaged ? "never" : "after_backoff",
    cause,
  });
}
