/**
 * In front of Kafka: what the brokers do not take now goes to a local log first, and from there to them, in order.
 *
 *   broker there:   append ─► broker
 *   broker away:    append ─► spill                    (also all that follows in a partition that has spilled records)
 *   broker back:    spill ─► broker, oldest first ─► once a partition is empty, append ─► broker again
 *
 * So new events of a key stand behind its old ones, also over a restart of the door, whose spill is found again. A
 * record may arrive twice, when an answer was lost or the door died between storing and trimming. Only events are spilled.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault, messageOf } from "../errors.ts";
import { Lock } from "./lock.ts";
import { baseOf, type Commit, GroupCommit } from "./group_commit.ts";
import {
  type Bounds,
  type EventLog,
  type LogIdentity,
  type LogRecord,
  type NewRecord,
  ONE_RECORD,
  type Topic,
} from "./log.ts";
import { MAX_QUEUE_BYTES, MAX_RECORD_BYTES } from "./log_limits.ts";
import { totalBytes } from "./record_batch.ts";
import { Tally } from "./tally.ts";
import { drained, placed, spilled, spillPartitionOf } from "./spill_place.ts";
import type { Spilling, SpillState } from "./spill_state.ts";

/** A local log that can say how much it holds (sqlite_log.ts). */
export interface SpillStore extends EventLog {
  held(topic: Topic): Promise<{ records: number; bytes: number }>;
}

export interface SpillOptions {
  broker: EventLog;
  /** Holds nothing but what was spilled. */
  store: SpillStore;
  /** Beyond this, appends that the broker does not take are refused with Fault "spill_full". */
  max_bytes: number;
  max_record_bytes?: number;
  max_queue_bytes?: number;
  /** How many records of a partition are drained at a time; so many, in all, also while appends wait for the end. */
  piece_records?: number;
  /** Told when spilling begins and ends, and when draining fails though the broker is there. */
  warn?: (message: string) => void;
  clock?: Clock;
}

/** A partition of the spill that holds something. */
interface Pending {
  /** Up to here the broker has it. */
  next: number;
  oldest_ms: number | null;
}

const TOPIC: Topic = "events";
const ANY_PARTITION = 2 ** 31;
const PIECE_RECORDS = 5_000;
/** Of all partitions together; each may give one record more. */
const PIECE_BYTES = 8 * 1024 * 1024;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** Opens the spill, and drains what it still holds of an earlier run. */
export async function openSpillingLog(options: SpillOptions): Promise<SpillingLog> {
  const log = new SpillingLog(options, (await options.store.identity(TOPIC)).partitions);
  await log.findPending();
  return log;
}

export class SpillingLog implements EventLog, Spilling {
  readonly #broker: EventLog;
  readonly #store: SpillStore;
  readonly #clock: Clock;
  readonly #group: GroupCommit;
  readonly #pending = new Map<number, Pending>();
  readonly #closed = new AbortController();
  readonly #lock = new Lock();
  readonly #tally = new Tally();
  /** The broker did not take the last thing it was given. */
  #away = false;
  #draining: Promise<void> | undefined;
  #identity: LogIdentity | undefined;

  constructor(readonly options: SpillOptions, readonly spill_partitions: number) {
    this.#broker = options.broker;
    this.#store = options.store;
    this.#clock = options.clock ?? systemClock;
    this.#group = new GroupCommit(this.#commit, {
      partitions: ANY_PARTITION,
      max_record_bytes: options.max_record_bytes ?? MAX_RECORD_BYTES,
      max_queue_bytes: options.max_queue_bytes ?? MAX_QUEUE_BYTES,
      max_commits: 1,
    });
  }

  get state(): SpillState {
    const ages = [...this.#pending.values()].flatMap(({ oldest_ms }) => oldest_ms ?? []);
    const { records, bytes } = this.#tally;
    return { records, bytes, oldest_ms: ages.length > 0 ? Math.min(...ages) : null };
  }

  async findPending(): Promise<void> {
    for (let partition = 0; partition < this.spill_partitions; partition++) {
      const { begin, end } = await this.#store.bounds(TOPIC, partition);
      if (begin === end) continue;
      const [oldest] = await this.#store.read(TOPIC, partition, begin, ONE_RECORD);
      this.#pending.set(partition, { next: begin, oldest_ms: oldest?.received_at ?? null });
    }
    this.#tally.set(await this.#store.held(TOPIC));
    this.#startDraining();
  }

  /** While the broker is away, what was last known of it, or as many partitions as the spill has. */
  async identity(topic: Topic): Promise<LogIdentity> {
    if (topic !== TOPIC) return await this.#broker.identity(topic);
    await this.#learnIdentity();
    return this.#identity ?? { id: "unknown while the broker is away", partitions: this.spill_partitions };
  }

  async append(topic: Topic, records: readonly NewRecord[]): Promise<number[]> {
    if (topic !== TOPIC) return await this.#broker.append(topic, records);
    // Where the numbers differ, a caller may have placed by either of them, and is put right.
    const partitions = Math.max(this.#partitions, this.spill_partitions);
    const wrong = records.find(({ partition }) => !(partition >= 0 && partition < partitions));
    if (wrong) throw new RangeError(`There is no partition ${wrong.partition} of ${partitions}`);
    return await this.#group.append(records);
  }

  bounds(...place: Parameters<EventLog["bounds"]>): Promise<Bounds> {
    return this.#broker.bounds(...place);
  }

  offsetAt(...place: Parameters<EventLog["offsetAt"]>): Promise<number> {
    return this.#broker.offsetAt(...place);
  }

  read(...place: Parameters<EventLog["read"]>): Promise<LogRecord[]> {
    return this.#broker.read(...place);
  }

  trim(...place: Parameters<EventLog["trim"]>): Promise<void> {
    return this.#broker.trim(...place);
  }

  /** Answers every append first; what is spilled stays there. Closes broker and store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group.settled();
    this.#closed.abort();
    await this.#broker[Symbol.asyncDispose]();
    await this.#draining;
    await this.#store[Symbol.asyncDispose]();
  }

  readonly #commit: Commit = (groups) =>
    this.#lock.hold(async () => {
      await this.#learnIdentity();
      const waits = (record: NewRecord) =>
        this.#away || this.#pending.has(spillPartitionOf(record, this.spill_partitions));
      const all = groups.flatMap(({ records }) => records);
      const direct = all.filter((record) => !waits(record));
      const offsets = await this.#tryBroker(direct);
      // What the broker did not take stands with its partition's other records, in the order of the calls.
      const rest = all.filter((record) => !offsets?.has(record));
      if (rest.length > 0) await this.#spill(rest);
      return groups.map((group) => baseOf(group, offsets));
    });

  /** The offset of each record, or null when the broker is away. */
  async #tryBroker(records: readonly NewRecord[]): Promise<Map<NewRecord, number> | null> {
    if (records.length === 0) return new Map();
    try {
      const meant = records.map((record) => placed(record, this.spill_partitions, this.#partitions));
      const offsets = await this.#give(meant);
      return new Map(records.map((record, i) => [record, offsets[i]]));
    } catch (error) {
      if (!isAway(error)) throw error;
      this.options.warn?.(`Events are spilled: ${messageOf(error)}`);
      return null;
    }
  }

  async #give(records: readonly NewRecord[]): Promise<number[]> {
    try {
      const offsets = await this.#broker.append(TOPIC, records);
      this.#away = false;
      return offsets;
    } catch (error) {
      if (isAway(error)) this.#away = true;
      throw error;
    }
  }

  async #spill(records: readonly NewRecord[]): Promise<void> {
    // Also when nothing can be spilled: only the drain finds out that the broker is back.
    this.#startDraining();
    const { bytes } = this.#tally;
    if (bytes + totalBytes(records) > this.options.max_bytes) throw spillFull(bytes);
    const stored = records.map((record) => spilled(record, this.spill_partitions));
    const offsets = await this.#store.append(TOPIC, stored);
    stored.forEach(({ partition, received_at }, i) => {
      if (!this.#pending.has(partition)) {
        this.#pending.set(partition, { next: offsets[i], oldest_ms: received_at });
      }
    });
    this.#tally.add(records);
    this.#startDraining();
  }

  #startDraining(): void {
    if (this.#closed.signal.aborted) return;
    this.#draining ??= this.#drain().finally(() => this.#draining = undefined);
  }

  /** Until nothing is pending and the broker is there, with growing pauses while it is away. */
  async #drain(): Promise<void> {
    const signal = this.#closed.signal;
    for (let pause_ms = FIRST_PAUSE_MS; !signal.aborted && (this.#away || this.#pending.size > 0);) {
      try {
        this.#identity ??= await this.#broker.identity(TOPIC);
        // Appends are held up only for a rest that a broker, which just took something, will take at once.
        const isMore = (this.#away || !this.#isShort) && await this.#drainSome();
        if (!isMore && !this.#away) await this.#lock.hold(() => this.#drainRest());
        pause_ms = FIRST_PAUSE_MS;
      } catch (error) {
        if (!this.#away) this.options.warn?.(`The spill cannot be drained: ${messageOf(error)}`);
        await this.#clock.sleep(pause_ms, signal).catch(() => undefined);
        pause_ms = Math.min(pause_ms * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  get #isShort(): boolean {
    const max_records = this.options.piece_records ?? PIECE_RECORDS;
    return this.#tally.records <= max_records && this.#tally.bytes <= PIECE_BYTES;
  }

  /** Gives the broker the next piece of every pending partition; false when there is none. */
  async #drainSome(): Promise<boolean> {
    const max_records = this.options.piece_records ?? PIECE_RECORDS;
    const limits = { max_records, max_bytes: PIECE_BYTES / this.#pending.size, wait_ms: 0 };
    const pieces = await Promise.all(
      [...this.#pending].map(async ([partition, { next }]) => ({
        partition,
        records: await this.#store.read(TOPIC, partition, next, limits),
      })),
    );
    const records = pieces.flatMap((piece) => piece.records);
    if (records.length === 0) {
      if (this.#away) await this.#broker.bounds(TOPIC, 0);
      this.#away = false;
      return false;
    }
    await this.#give(records.map((record) => drained(record, this.spill_partitions, this.#partitions)));
    for (const { partition, records: given } of pieces) {
      if (given.length > 0) await this.#forget(partition, given);
    }
    return true;
  }

  /** The broker has these. On a full disk they stay, go with what is let go of later, and hold up nothing. */
  async #forget(partition: number, given: readonly LogRecord[]): Promise<void> {
    const last = given.at(-1)!;
    this.#pending.set(partition, { next: last.offset + 1, oldest_ms: last.received_at });
    this.#tally.remove(given);
    try {
      await this.#store.trim(TOPIC, partition, last.offset + 1);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.options.warn?.(`What left the spill cannot be deleted yet: ${messageOf(error)}`);
    }
  }

  /** While no append can come between: drains all and ends the spill. */
  async #drainRest(): Promise<void> {
    while (await this.#drainSome());
    this.#pending.clear();
    this.#tally.set({ records: 0, bytes: 0 });
    this.options.warn?.("The spill is empty: events go to the broker again");
  }

  get #partitions(): number {
    return this.#identity?.partitions ?? this.spill_partitions;
  }

  /** How many partitions the topic has: asked once, and not while the broker is away. */
  async #learnIdentity(): Promise<void> {
    if (this.#identity || this.#away) return;
    try {
      this.#identity = await this.#broker.identity(TOPIC);
    } catch (error) {
      if (!isAway(error)) throw error;
      this.#away = true;
    }
  }
}

/** Another log may take it now. */
function isAway(error: unknown): error is Fault {
  return error instanceof Fault && error.blame === "dependency";
}

function spillFull(bytes: number): Fault {
  const message = `Cannot append: the broker is away and the spill is full (${bytes} bytes)`;
  return new Fault("spill_full", message, { blame: "dependency", retry: "after_backoff" });
}
