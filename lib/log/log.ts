/** The port of the log: the one thing that stands between the door and everything that is computed. */

export type Topic = "events" | "alerts" | "aggregates" | "dead_letters";

export interface NewRecord {
  /** Chosen by the caller with `partitionOf` (topics.ts), so that both adapters place a key alike. */
  partition: number;
  key: string | null;
  value: Uint8Array;
  /** `source, kind, content_type, ...`; small. Never secrets. */
  headers: Readonly<Record<string, string>>;
  /** Log time, milliseconds since 1970. */
  received_at: number;
}

export interface LogRecord {
  partition: number;
  /** Unique and ascending within a partition; gaps are allowed. */
  offset: number;
  key: string | null;
  /** null only for a record that another program wrote so. */
  value: Uint8Array | null;
  headers: Readonly<Record<string, string>>;
  received_at: number;
}

/** Which log this is. A restored or recreated log has another `id`, and nobody may read on as if it were the same. */
export interface LogIdentity {
  id: string;
  partitions: number;
}

export interface Bounds {
  /** Offset of the oldest record that can still be read; equals `end` when there is none. */
  begin: number;
  /** Offset that the next record will get at the earliest. */
  end: number;
}

export interface ReadLimits {
  max_records: number;
  max_bytes: number;
  /** How long to wait for a first record before answering with none. */
  wait_ms: number;
}

/** The next record alone, with as little beside it fetched as the log can. */
export const ONE_RECORD: ReadLimits = { max_records: 1, max_bytes: 1, wait_ms: 0 };

/**
 * A partitioned record of what arrived. A record may repeat (a produce that timed out but was stored), none is ever
 * lost once `append` resolved, and within a partition the order of offsets never changes.
 */
export interface EventLog extends AsyncDisposable {
  identity(topic: Topic): Promise<LogIdentity>;
  /**
   * Appends in order within each partition. Resolves, with the offset of each record where the log tells it (else -1),
   * only when every record would survive a power cut. Rejects with a Fault: blame "dependency" and retry "after_backoff"
   * when the outcome is not known or nothing was stored; blame "sender" when a record can never be stored (too big).
   * Calls made one after the other keep their order; a record of a later call never precedes one of an earlier call.
   */
  append(topic: Topic, records: readonly NewRecord[]): Promise<number[]>;
  bounds(topic: Topic, partition: number): Promise<Bounds>;
  /**
   * Records with offset >= `from`, ascending, up to the limits but at least one when there is one. An empty answer
   * means that none came within `wait_ms`. Rejects with Fault "log_truncated" when `from` is older than the oldest
   * record and something was dropped in between.
   */
  read(
    topic: Topic,
    partition: number,
    from: number,
    limits: ReadLimits,
    signal?: AbortSignal,
  ): Promise<LogRecord[]>;
  /** An offset before which every record was received before `time_ms`; the end when there is nothing that new. */
  offsetAt(topic: Topic, partition: number, time_ms: number): Promise<number>;
  /** Lets go of records before `offset` (advisory; the broker's retention may be the one that acts). */
  trim(topic: Topic, partition: number, before: number): Promise<void>;
}

/** Who owns a partition, as told by whoever assigns. Ownership here is a hint: the checkpoint log is what fences. */
export interface Ownership {
  /** Called with every change; the union over all live members is every partition, eventually once. */
  partitions: ReadonlySet<number>;
}

/** Assigns partitions of the events topic to the process owners that run now. */
export interface Assignment extends AsyncDisposable {
  /**
   * Joins and calls `change` with each new set. `change` resolves when partitions taken away were let go (decided
   * first), and only then may another get them. Resolves when `signal` aborts and everything was let go.
   */
  follow(change: (owned: ReadonlySet<number>) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Tells the broker how far we are; advisory, monotonic, never read back as truth. */
  advise(partition: number, next_offset: number): Promise<void>;
}
