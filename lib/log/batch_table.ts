/**
 * One SQLite file that holds the batches of one topic: one row a commit (commit_row.ts).
 *
 *   commits(number, newest_ms, places, bytes)      numbers have no gaps; the newest row is never deleted
 *   begins(partition, begin_offset)                of what was trimmed; what is before is not told, deleted or not
 *
 * A commit that returned survives a power cut (log_file.ts). Any number of connections, in threads and processes, may be
 * open. Everything here is synchronous and never waits for another writer: a busy file answers null, and the caller tries
 * again, so that a thread is not held up and a busy neighbour cannot starve us by SQLite's own growing pauses.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { Fault } from "../errors.ts";
import { RecentValues } from "../recent_values.ts";
import { type Frame, nextOffset, nextOffsets, noPlaces, placeOf, rowsOf } from "./commit_row.ts";
import type { Bounds, LogIdentity } from "./log.ts";
import { isBusy, openLogFile, storageFault } from "./log_file.ts";

export interface StoredBatch {
  base_offset: number;
  bytes: Uint8Array;
}

export interface Held {
  records: number;
  bytes: number;
}

/** What the file says of a commit, its frames left out. */
interface Row {
  number: number;
  newest_ms: number;
  places: Uint8Array;
}

/** A commit with its frames. */
interface WholeRow {
  number: number;
  places: Uint8Array;
  bytes: Uint8Array;
}

/** A trim deletes at most so many rows at a time, so that it does not keep appends waiting. */
const TRIMMED_AT_ONCE = 100;
/** What the partitions of a thread read of a second of webhooks, and more than one read of a backlog spans. */
const RECENT_BYTES = 8 * 1024 * 1024;

export class BatchTable implements Disposable {
  readonly identity: LogIdentity;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  /** Of a log without a row. */
  readonly #noPlaces: Uint8Array;
  /** Every row is of many partitions, which are read one shortly after the other. */
  readonly #recent = new RecentValues<number, WholeRow>(RECENT_BYTES);
  /** Where the last search of a partition ended: the next one mostly begins there. */
  readonly #reached = new Map<number, { number: number; base_offset: number; next_offset: number }>();

  /** Opens the file, or makes it with `partitions` partitions, which never change afterwards. */
  constructor(readonly path: string, partitions: number) {
    const { db, identity } = openLogFile(path, partitions);
    this.#db = db;
    this.identity = identity;
    this.#sql = prepare(db);
    this.#noPlaces = noPlaces(Array<number>(identity.partitions).fill(0));
  }

  /** Stores all frames or none, and answers with the offset of the first record of each; null when the file is busy. */
  append(frames: readonly Frame[]): number[] | null {
    return this.#write("append to", () => {
      const last = this.#newest();
      const { rows, bases } = rowsOf(last, frames);
      rows.forEach(({ newest_ms, places, bytes }, i) =>
        this.#sql.insert.run(last.number + 1 + i, newest_ms, places, bytes)
      );
      return bases;
    });
  }

  /**
   * Lets go of what is before `before`, and deletes the rows of which nobody needs anything any more, not all at once:
   * true when some may be left; null when busy.
   */
  trim(partition: number, before: number): boolean | null {
    return this.#write("trim", () => {
      const newest = this.#newest();
      const begin = Math.min(before, nextOffset(newest.places, partition));
      if (begin > this.#begin(partition)) this.#sql.setBegin.run(partition, begin);
      const begins = Array.from({ length: this.identity.partitions }, (_, one) => this.#begin(one));
      const isNeeded = ({ places }: Row) => begins.some((one, i) => nextOffset(places, i) > one);
      let deleted = 0;
      for (const row of this.#rowsFrom(0)) {
        if (deleted === TRIMMED_AT_ONCE || row.number === newest.number || isNeeded(row)) break;
        deleted++;
      }
      if (deleted > 0) this.#sql.deleteOldest.run(deleted);
      if (deleted < TRIMMED_AT_ONCE && !isNeeded(newest)) this.#sql.empty.run(newest.number);
      return deleted === TRIMMED_AT_ONCE;
    });
  }

  beginOf(partition: number): number | null {
    return this.#read(() => this.#begin(partition));
  }

  endOf(partition: number): number | null {
    return this.#read(() => nextOffset(this.#newest().places, partition));
  }

  bounds(partition: number): Bounds | null {
    // The oldest first: what comes between the two look-ups only moves the end.
    return this.#read(() => ({
      begin: this.#begin(partition),
      end: nextOffset(this.#newest().places, partition),
    }));
  }

  /** An offset before which every record was received before `time_ms`; null when busy. */
  offsetAt(partition: number, time_ms: number): number | null {
    return this.#read(() => {
      const row = this.#oldestWith(({ newest_ms }) => newest_ms >= time_ms);
      if (row === null) return nextOffset(this.#newest().places, partition);
      const { next_offset, count } = placeOf(row.places, partition);
      return Math.max(this.#begin(partition), next_offset - count);
    });
  }

  /** How much is held in all partitions together; null when busy. */
  held(): Held | null {
    return this.#read(() => {
      const ends = nextOffsets(this.#newest().places);
      const records = ends.reduce((sum, end, partition) => sum + end - this.#begin(partition), 0);
      return { records, bytes: Number(this.#sql.bytesHeld.get()?.bytes) };
    });
  }

  /** Batches that hold offsets >= `from`, ascending, for as long as `wanted` says yes to what it was given. */
  eachFrom(partition: number, from: number, wanted: (batch: StoredBatch) => boolean): true | null {
    return this.#read(() => {
      let row = this.#wholeFrom(this.#rowWith(partition, from));
      for (; row !== null; row = this.#wholeFrom(row.number + 1)) {
        const { number, places, bytes } = row;
        const { next_offset, count, at, length } = placeOf(places, partition);
        const base_offset = next_offset - count;
        this.#reached.set(partition, { number, base_offset, next_offset });
        if (next_offset <= from || count === 0) continue;
        if (!wanted({ base_offset, bytes: bytes.subarray(at, at + length) })) break;
      }
      return true;
    });
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #newest(): Row {
    const row = this.#sql.newest.get();
    return row ? rowOf(row) : { number: 0, newest_ms: 0, places: this.#noPlaces };
  }

  #begin(partition: number): number {
    return Number(this.#sql.begin_offset.get(partition)?.begin_offset ?? 0);
  }

  *#rowsFrom(number: number): Generator<Row> {
    for (const row of this.#sql.from.iterate(number)) yield rowOf(row);
  }

  /** The first row from `number` on; null when there is none yet. */
  #wholeFrom(number: number): WholeRow | null {
    const known = this.#recent.get(number);
    if (known) return known;
    const found = this.#sql.whole.get(number);
    if (!found) return null;
    const row = { number: Number(found.number), places: blob(found.places), bytes: blob(found.bytes) };
    this.#recent.put(row.number, row, row.bytes.length);
    return row;
  }

  /** The number of a row before which no record of the partition has an offset >= `from`. */
  #rowWith(partition: number, from: number): number {
    const reached = this.#reached.get(partition);
    if (reached && reached.base_offset <= from && from <= reached.next_offset) return reached.number;
    const row = this.#oldestWith(({ places }) => nextOffset(places, partition) > from);
    return row?.number ?? this.#newest().number + 1;
  }

  /** The oldest row of which `isPast` is true, as it is of all that are newer; null when it is true of none. */
  #oldestWith(isPast: (row: Row) => boolean): Row | null {
    let found: Row | null = null;
    let low = Number(this.#sql.oldest.get()?.number ?? 1);
    let high = this.#newest().number;
    while (low <= high) {
      const middle = Math.floor((low + high) / 2);
      // A row that is gone was trimmed just now, as all before it.
      const there = this.#sql.at.get(middle);
      const row = there ? rowOf(there) : null;
      if (row && isPast(row)) {
        found = row;
        high = middle - 1;
      } else low = middle + 1;
    }
    return found;
  }

  #read<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (isBusy(error)) return null;
      throw storageFault(`read the log ${this.path}`, error);
    }
  }

  #write<T>(verb: string, work: () => T): T | null {
    try {
      this.#sql.begin.run();
    } catch (error) {
      if (isBusy(error)) return null;
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
    insert: db.prepare("INSERT INTO commits VALUES (?, ?, ?, ?)"),
    newest: db.prepare("SELECT number, newest_ms, places FROM commits ORDER BY number DESC LIMIT 1"),
    oldest: db.prepare("SELECT number FROM commits ORDER BY number LIMIT 1"),
    at: db.prepare("SELECT number, newest_ms, places FROM commits WHERE number = ?"),
    from: db.prepare("SELECT number, newest_ms, places FROM commits WHERE number >= ? ORDER BY number"),
    whole: db.prepare("SELECT number, places, bytes FROM commits WHERE number >= ? ORDER BY number LIMIT 1"),
    bytesHeld: db.prepare("SELECT total(length(bytes)) AS bytes FROM commits"),
    begin_offset: db.prepare("SELECT begin_offset FROM begins WHERE partition = ?"),
    setBegin: db.prepare("INSERT OR REPLACE INTO begins VALUES (?, ?)"),
    deleteOldest: db.prepare(
      "DELETE FROM commits WHERE number IN (SELECT number FROM commits ORDER BY number LIMIT ?)",
    ),
    empty: db.prepare("UPDATE commits SET bytes = x'' WHERE number = ? AND length(bytes) > 0"),
  };
}

function rowOf({ number, newest_ms, places }: Record<string, SQLOutputValue>): Row {
  return { number: Number(number), newest_ms: Number(newest_ms), places: blob(places) };
}

function blob(value: SQLOutputValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError("What should be bytes is none");
  return value;
}
