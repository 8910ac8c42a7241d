/**
 * Group commit: what arrives while a commit runs goes together into the next one, and is answered together.
 *
 *   call 1 ─┐                     ┌─ call 2, 3, 4 ─┐              one group a partition, whatever the number of calls
 *           └─ commit ────────────┘                └─ commit ──►
 *
 * The slower a commit is, the more it carries, so one disk flush serves hundreds of callers. A second commit is begun
 * beside the first only for so many bytes that making it takes time too: of small records one commit that carries all is
 * cheaper than two that carry half. The order of calls is the order of records in each partition. The queue is bounded
 * in bytes, those under way included.
 */
import { setImmediate } from "node:timers";
import { Fault } from "../errors.ts";
import type { NewRecord } from "./log.ts";
import { recordBytes } from "./record_batch.ts";

/** The records of one partition in a commit, in the order of the calls. */
export interface Group {
  partition: number;
  records: NewRecord[];
}

/** Stores the groups and answers with the offset of each one's first record, or -1; the others follow without gaps. */
export type Commit = (groups: readonly Group[]) => Promise<number[]>;

export interface GroupLimits {
  partitions: number;
  max_record_bytes: number;
  /** Beyond this many bytes waiting or under way, `append` is refused with Fault "overloaded". */
  max_queue_bytes: number;
  /** Commits under way at once; more than one only where they are carried out in the order they were begun. */
  max_commits: number;
}

interface Call {
  records: readonly NewRecord[];
  size_bytes: number;
  resolve(offsets: number[]): void;
  reject(reason: unknown): void;
}

const COMMIT_BYTES = 16 * 1024 * 1024;
/** Worth a commit of its own while another is under way. */
const BESIDE_BYTES = 128 * 1024;

export class GroupCommit {
  readonly #waiting: Call[] = [];
  #underWay = 0;
  /** Of all calls without an answer, and of those among them that are not under way. */
  #bytes = 0;
  #waiting_bytes = 0;
  #isScheduled = false;
  /** Resolves when the calls of some commit have their answers; null when nobody waits for that. */
  #answered: PromiseWithResolvers<void> | null = null;

  constructor(readonly commit: Commit, readonly limits: GroupLimits) {}

  /** The bytes of `records` must not change before the answer. */
  append(records: readonly NewRecord[]): Promise<number[]> {
    if (records.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const size_bytes = this.#check(records);
      this.#waiting.push({ records, size_bytes, resolve, reject });
      this.#bytes += size_bytes;
      this.#waiting_bytes += size_bytes;
      this.#schedule();
    });
  }

  /** Resolves when everything that was called for has its answer. */
  async settled(): Promise<void> {
    while (this.#waiting.length > 0 || this.#underWay > 0) {
      this.#answered ??= Promise.withResolvers<void>();
      await this.#answered.promise;
    }
  }

  #check(records: readonly NewRecord[]): number {
    let total = 0;
    for (const record of records) {
      if (!(record.partition >= 0 && record.partition < this.limits.partitions)) {
        throw new RangeError(`There is no partition ${record.partition} of ${this.limits.partitions}`);
      }
      const size = recordBytes(record);
      if (size > this.limits.max_record_bytes) throw tooLarge(size, this.limits.max_record_bytes);
      total += size;
    }
    if (this.#bytes > 0 && this.#bytes + total > this.limits.max_queue_bytes) throw overloaded(this.#bytes);
    return total;
  }

  /** After the present turn of the event loop, so that all that has come by then shares a commit. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#beginAll();
    });
  }

  #beginAll(): void {
    while (this.#mayBegin()) this.#begin();
  }

  #mayBegin(): boolean {
    if (this.#waiting.length === 0) return false;
    if (this.#underWay === 0) return true;
    return this.#underWay < this.limits.max_commits && this.#waiting_bytes >= BESIDE_BYTES;
  }

  #begin(): void {
    const calls: Call[] = [];
    let bytes = 0;
    while (this.#waiting.length > 0 && (bytes === 0 || bytes + this.#waiting[0].size_bytes <= COMMIT_BYTES)) {
      const call = this.#waiting.shift()!;
      calls.push(call);
      bytes += call.size_bytes;
    }
    this.#waiting_bytes -= bytes;
    this.#underWay++;
    void this.#carryOut(calls, bytes);
  }

  async #carryOut(calls: readonly Call[], bytes: number): Promise<void> {
    const answer = await this.#outcome(calls);
    this.#underWay--;
    this.#bytes -= bytes;
    // Who carries commits out elsewhere is not left idle while the callers of this one go on.
    if (this.limits.max_commits > 1) this.#beginAll();
    else if (this.#waiting.length > 0) this.#schedule();
    answer();
    this.#answered?.resolve();
    this.#answered = null;
  }

  /** Commits, and gives what answers the calls. */
  async #outcome(calls: readonly Call[]): Promise<() => void> {
    try {
      const groups = groupByPartition(calls);
      const bases = await this.commit(groups);
      const next = new Map(groups.map(({ partition }, i) => [partition, bases[i]]));
      return () => {
        for (const call of calls) call.resolve(call.records.map(({ partition }) => take(next, partition)));
      };
    } catch (error) {
      return () => {
        for (const call of calls) call.reject(error);
      };
    }
  }
}

function take(next: Map<number, number>, partition: number): number {
  const offset = next.get(partition)!;
  if (offset >= 0) next.set(partition, offset + 1);
  return offset;
}

function groupByPartition(calls: readonly Call[]): Group[] {
  const groups = new Map<number, Group>();
  for (const { records } of calls) {
    for (const record of records) {
      const group = groups.get(record.partition);
      if (group) group.records.push(record);
      else groups.set(record.partition, { partition: record.partition, records: [record] });
    }
  }
  return [...groups.values()];
}

/** What a commit answers for a group when offsets are known record by record: -1 unless all of them are. */
export function baseOf(group: Group, offsets: ReadonlyMap<NewRecord, number> | null): number {
  const isWhole = group.records.every((record) => offsets?.has(record));
  return isWhole ? offsets!.get(group.records[0])! : -1;
}

function tooLarge(size: number, limit: number): Fault {
  const message = `Cannot append a record: it has ${size} bytes, the limit is ${limit}`;
  return new Fault("record_too_large", message, { blame: "sender", retry: "never" });
}

function overloaded(bytes: number): Fault {
  const message = `Cannot append to the log: ${bytes} bytes wait already`;
  return new Fault("overloaded", message, { blame: "dependency", retry: "after_backoff" });
}
