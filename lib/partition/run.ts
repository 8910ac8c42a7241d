/** One uninterrupted stretch of owning a partition: from a restored state to a lost decision or a request to go. */
import { setImmediate } from "node:timers/promises";
import { restoreState } from "../checkpoint/restore.ts";
import { type Checkpoint } from "../checkpoint/checkpoint.ts";
import { imageKey, segmentKey } from "../checkpoint/paths.ts";
import { type FinishedSegment, SegmentWriter } from "../checkpoint/segment.ts";
import { Fault } from "../errors.ts";
import type { LogRecord, NewRecord, Topic } from "../log/log.ts";
import { totalBytes } from "../log/record_batch.ts";
import { elapsedMs } from "../clock.ts";
import { attentive } from "./attentive.ts";
import { changedFiles, controlRecord, type Seeds } from "./control_record.ts";
import { ImageMaker } from "./image_maker.ts";
import { nextTickDelay } from "./tick.ts";
import type { OwnerContext } from "./owner.ts";
import type { Processor } from "./processor.ts";

/** A checkpoint is due at the latest after this much text, whatever the time. */
const SEGMENT_CHARACTERS = 64 * 1024 * 1024;
/** With so much, nothing is waited for once the log is silent. */
const WORTHY_CHARACTERS = 4 * 1024 * 1024;
/** A segment touches at most so many days, so that its publication opens at most so many files. */
const SEGMENT_DAYS = 200;
/** No more than the partitions of a thread find among the rows that the log read lately (batch_table.ts). */
const READ = { max_records: 1_000, max_bytes: 8 * 1024 * 1024 };
const READ_WAIT_MS = 250;
/** A backlog is read without ever waiting: after so many records the others of this thread, and who asks us to go, are heard. */
const TURN_RECORDS = 500;
/** The first decision after a claim comes this soon, or a storm of rebalances never gets on. */
const FIRST_DECISION_MS = 1_000;
/** A new full image pays when reading the changes since the last one costs more than reading it, but never below this. */
export const IMAGE_FLOOR_BYTES = 16 * 1024 * 1024;
/** What it costs to open one more segment, in bytes that could be read meanwhile: so a start does not grow with age. */
const OPENING_BYTES = 256 * 1024;
/** Pieces of an image that a checkpoint makes itself: one of each state, and a look whether that was all. */
const SMALL_IMAGE_PIECES = 3;
/** When so many times the changes have gathered for which an image pays, a checkpoint waits for it. */
const OVERDUE = 4;
/** Results on their way to the log: with so many bytes of them, no more are sent before those are stored. */
const UNANSWERED_BYTES = 16 * 1024 * 1024;
/** Others' results leave a full queue about so soon. */
const FULL_QUEUE_PAUSE_MS = 50;
/** Rows are kept beside the changes in their segment: so many bytes of them weigh as much as one to be read. */
const KEPT_BYTES = 8;

export class PartitionRun {
  #last: Checkpoint;
  #next: number;
  #segment = new SegmentWriter();
  #results: Promise<unknown>[] = [];
  /** Of the records in them, about. */
  #unanswered_bytes = 0;
  #open_since: number | null = null;
  /** When the first record that is not decided came to the log. */
  #oldest_ms: number | null = null;
  #holds_events = false;
  #first = true;
  #quiet_since: number;
  #ticks = 0;
  /** Records since the start, for giving way. */
  #accepted = 0;
  /** At the last decision others waited: so many that a segment was full of them, or longer than an interval. */
  #is_behind = false;
  /** File hashes of control records that were appended and perhaps not met again yet. */
  #seen: Seeds | null = null;
  #image: ImageMaker | null = null;
  /** Bytes of changes since the image that is being made. */
  #since_image = 0;
  readonly #announced = new Map<string, string>();

  private constructor(
    fence: Checkpoint,
    private readonly cuts: number[],
    private readonly processor: Processor,
    private readonly context: OwnerContext,
  ) {
    this.#last = fence;
    this.#next = fence.next_offset;
    this.#quiet_since = context.clock.now();
  }

  static async restore(fence: Checkpoint, cuts: number[], context: OwnerContext): Promise<PartitionRun> {
    const processor = context.newProcessor(fence.partition);
    const turned = () => context.events.turned(fence.partition);
    const receiver = attentive(processor, turned);
    await restoreState(context.chain, fence, processor.stateNames, receiver);
    processor.resume({
      sources: fence.sources,
      log_time_ms: fence.log_time_ms,
      taken_over: fence.taken_over,
    });
    return new PartitionRun(fence, cuts.sort((a, b) => a - b), processor, context);
  }

  /** Of our last checkpoint. */
  get number(): number {
    return this.#last.number;
  }

  async until(signal: AbortSignal): Promise<"stopped" | "lost"> {
    while (!signal.aborted) {
      this.context.events.turned(this.#last.partition);
      const records = await this.#read(signal);
      for (const record of records) {
        if (++this.#accepted % TURN_RECORDS === 0) await setImmediate();
        if (record.offset >= this.cuts[0] && !await this.#cut()) return "lost";
        this.#accept(record);
        if (this.#isFull() && !await this.#decide()) return "lost";
      }
      await this.#sendResults();
      // Not before the records that seeded the partition were met, or they would be appended again.
      if (records.length === 0 || !this.#first) await this.#announce();
      if (records.length === 0) await this.#idle();
      this.#image?.step();
      if ((this.#isDue() || this.#isDone(records)) && !await this.#decide()) return "lost";
    }
    return this.#open_since === null || await this.#decide() ? "stopped" : "lost";
  }

  async #read(signal: AbortSignal): Promise<LogRecord[]> {
    const due_in = this.#open_since === null
      ? READ_WAIT_MS
      : this.#is_behind
      ? 0
      : this.#open_since + this.#interval() - this.context.clock.now();
    const wait_ms = Math.max(0, Math.min(READ_WAIT_MS, due_in));
    try {
      return await this.context.log.read(
        "events",
        this.#last.partition,
        this.#next,
        { ...READ, wait_ms },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  }

  #accept(record: LogRecord): void {
    const { clock } = this.context;
    this.#open_since ??= clock.now();
    this.#oldest_ms ??= record.received_at;
    const wasEvent = this.processor.accept(record, this.#segment);
    if (wasEvent) {
      this.#holds_events = true;
      this.#ticks = 0;
      this.#quiet_since = clock.now();
    }
    this.#next = record.offset + 1;
  }

  #interval(): number {
    return this.#first ? Math.min(FIRST_DECISION_MS, this.context.checkpoint_ms) : this.context.checkpoint_ms;
  }

  #isDue(): boolean {
    const { clock } = this.context;
    return this.#open_since !== null && elapsedMs(this.#open_since, clock.now()) >= this.#interval();
  }

  /** A burst or a backlog has come to its end: what is worth a segment can be seen at once. */
  #isDone(records: readonly LogRecord[]): boolean {
    if (records.length > 0 || this.#open_since === null) return false;
    return this.#is_behind || this.#segment.characters >= WORTHY_CHARACTERS;
  }

  #isFull(): boolean {
    return this.#segment.characters >= SEGMENT_CHARACTERS || this.processor.openDays() >= SEGMENT_DAYS;
  }

  /** Ends the segment where some table stands already (after a damaged checkpoint), and never before what it holds. */
  async #cut(): Promise<boolean> {
    this.#next = Math.max(this.#next, this.cuts.shift()!);
    return this.#open_since === null || await this.#decide();
  }

  /**
   * Results leave as soon as they are computed; the decision waits for their acknowledgement, and many bytes for earlier
   * ones.
   */
  async #sendResults(): Promise<void> {
    for (const [topic, records] of this.processor.takeResults()) {
      const bytes = totalBytes(records);
      if (this.#unanswered_bytes + bytes > UNANSWERED_BYTES) await this.#resultsStored();
      this.#unanswered_bytes += bytes;
      const sent = this.#sendWhenThereIsRoom(topic, records);
      // A rejection is seen where it counts: by the await before the decision.
      sent.catch(() => undefined);
      this.#results.push(sent);
    }
  }

  /** The queue of the log is shared with the other partitions of this thread, and with a slow log it is full of theirs. */
  async #sendWhenThereIsRoom(topic: Topic, records: readonly NewRecord[]): Promise<void> {
    const { log, clock } = this.context;
    for (;;) {
      try {
        await log.append(topic, records);
        return;
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== "overloaded") throw error;
        await clock.sleep(FULL_QUEUE_PAUSE_MS);
      }
    }
  }

  async #resultsStored(): Promise<void> {
    await Promise.all(this.#results);
    this.#results = [];
    this.#unanswered_bytes = 0;
  }

  /** Appends what the configuration files say now, where it is not what was last taken over. */
  async #announce(): Promise<void> {
    const { log, clock } = this.context;
    const seeds = this.context.seeds();
    if (seeds === this.#seen) return;
    this.#seen = seeds;
    const known = { ...this.processor.summary().taken_over, ...Object.fromEntries(this.#announced) };
    const records = changedFiles(this.#last.partition, known, { seeds, now: clock.now() });
    if (records.length === 0) return;
    await log.append("events", records);
    for (const { headers } of records) this.#announced.set(`${headers.kind}_file`, headers.file_hash);
  }

  /**
   * Caught up and silent: reports what is read and not decided, be it that nothing can be stored, and appends a tick when
   * one can close or revise something.
   */
  async #idle(): Promise<void> {
    const { clock, log, events, tick_after_ms } = this.context;
    const partition = this.#last.partition;
    const now = clock.now();
    const undecided_ms = this.#oldest_ms === null ? 0 : Math.max(0, now - this.#oldest_ms);
    events.lag(partition, this.#next - this.#last.next_offset, undecided_ms / 1000);
    if (!this.processor.needsTick(now)) return;
    const delay = nextTickDelay({
      tick_after_ms,
      ticks: this.#ticks,
      now,
      event_time_ms: this.processor.eventTime(),
    });
    if (now - this.#quiet_since < delay) return;
    this.#ticks++;
    this.#quiet_since = now;
    await log.append("events", [controlRecord("tick", partition, { body: {}, received_at: now })]);
  }

  /** The commit point. false: somebody else took the number; whatever we hold is void. */
  async #decide(): Promise<boolean> {
    const { chain, clock, newId, log, checkpoint_ms } = this.context;
    const began = clock.now();
    const was_full = this.#isFull();
    const partition = this.#last.partition;
    const number = this.#last.number + 1;
    await this.#sendResults();
    await this.#resultsStored();
    // Made already by who told of it, unless the lake was lost and the log was not.
    for (const evolved of this.processor.takeEvolved()) await this.context.evolve(evolved);
    const range = { partition, first_offset: this.#last.next_offset, next_offset: this.#next };
    const segment = this.#segment.finish(range, this.processor.takeChanges());
    const name = { ...range, last_offset: this.#next - 1, epoch: this.#last.epoch, uuid: newId() };
    const reference = await this.#store(segmentKey(name), segment);
    const state = await this.#stateAfter(number, segment);
    const checkpoint = this.#checkpoint(number, reference, state);
    const attempt = await chain.attempt(checkpoint);
    if (attempt.outcome === "lost") return false;
    this.#begin(checkpoint);
    this.context.events.decided(checkpoint, clock.now() - began);
    const bounds = await log.bounds("events", partition);
    const log_time_ms = checkpoint.log_time_ms ?? clock.now();
    // A clock that was set back is behind the time of the log.
    const behind_ms = bounds.end > this.#next ? Math.max(0, clock.now() - log_time_ms) : 0;
    this.#is_behind = behind_ms > checkpoint_ms || (was_full && bounds.end > this.#next);
    this.context.events.lag(partition, bounds.end - this.#next, behind_ms / 1000);
    return true;
  }

  #checkpoint(
    number: number,
    segment: Checkpoint["segment"],
    state: Checkpoint["state"],
  ): Checkpoint {
    const last = this.#last;
    const summary = this.processor.summary();
    const totals = { ...last.totals };
    const tables: Checkpoint["tables"] = {};
    for (const [table, rows] of Object.entries(this.#segment.counts())) {
      tables[table] = { rows, previous: totals[table]?.newest ?? 0 };
      totals[table] = { newest: number, rows: (totals[table]?.rows ?? 0) + rows };
    }
    return {
      ...last,
      number,
      previous: last.number,
      write_id: this.context.newId(),
      first_offset: last.next_offset,
      next_offset: this.#next,
      watermark_ms: summary.watermark_ms,
      log_time_ms: summary.log_time_ms,
      segment,
      state,
      tables,
      totals,
      days: this.processor.openDays(),
      newest_with_events: this.#holds_events ? number : last.newest_with_events,
      sources: summary.sources,
      taken_over: summary.taken_over,
      suppressed: summary.suppressed,
      decided_at: this.context.clock.now(),
    };
  }

  #begin(checkpoint: Checkpoint): void {
    this.#last = checkpoint;
    this.#segment = new SegmentWriter();
    this.#open_since = null;
    this.#oldest_ms = null;
    this.#holds_events = false;
    this.#first = false;
    this.processor.beginSegment();
  }

  /** Which image and changes the checkpoint refers to. Its number comes after that of the image it names. */
  async #stateAfter(number: number, segment: FinishedSegment): Promise<Checkpoint["state"]> {
    const { state } = this.#last;
    const kept_bytes = Math.ceil((segment.bytes.length - segment.state_bytes) / KEPT_BYTES);
    const more_bytes = segment.state_bytes + OPENING_BYTES + kept_bytes;
    const changed_bytes = state.changed_bytes + more_bytes;
    this.#since_image += more_bytes;
    if (this.#image === null) {
      const floor_bytes = this.context.image_floor_bytes ?? IMAGE_FLOOR_BYTES;
      const due_bytes = Math.max(floor_bytes, state.image?.size_bytes ?? 0);
      if (changed_bytes < due_bytes) return { ...state, changed_bytes };
      this.#image = new ImageMaker(number, this.processor.takeImages());
      this.#since_image = 0;
      // A small one is done with that; one that several owners did not live to finish has to be.
      const pieces = changed_bytes < OVERDUE * due_bytes ? SMALL_IMAGE_PIECES : Infinity;
      for (let piece = 0; piece < pieces && !this.#image.done; piece++) this.#image.step();
    }
    if (!this.#image.done) return { ...state, changed_bytes };
    const partition = this.#last.partition;
    const range = { partition, first_offset: this.#next, next_offset: this.#next };
    const image = this.#image.finish(range);
    const { after } = this.#image;
    this.#image = null;
    const reference = await this.#store(imageKey(partition, number, this.context.newId()), image);
    return { image: reference, after, changed_bytes: this.#since_image };
  }

  /** Stores an object under a name that only we can have made, so that "taken" is our own earlier try. */
  async #store(key: string, object: FinishedSegment) {
    const { store, chain } = this.context;
    for (let attempt = 1; await store.create(key, object.bytes) === "unknown"; attempt++) {
      if (attempt === 20) {
        throw new Fault("segment_unknown", `Cannot store ${key}: the store does not answer`, {
          blame: "dependency",
          retry: "after_backoff",
        });
      }
      await chain.pause(attempt);
    }
    return { key, size_bytes: object.bytes.length, index_sha256: object.index_sha256 };
  }
}
