/**
 * Membership in the group of owners, through Kafka's group protocol with a plan of our own (cooperative_plan.ts).
 *
 *   join (what I hold) ─► plan by the first member ─► change(what I have) ─► heartbeats ─► join again
 *
 * Owners keep working on what they keep while others come and go. Whoever lost something joins again only once it was
 * let go of, and only then is it given on. Whoever was thrown out lets go of all. This is a hint for speed and peace:
 * the numbers of checkpoints are what keeps results single.
 */
import { Buffer } from "node:buffer";
import { type Clock, systemClock } from "../clock.ts";
import { type GroupMember, planAssignment } from "./cooperative_plan.ts";
import { type Broker, kafkaFault, KafkaLink, type KafkaOptions, reasonOf } from "./kafka_link.ts";
import { WireReader, WireWriter } from "./kafka_wire.ts";
import type { Assignment } from "./log.ts";
import { topicName } from "./topics.ts";

export interface KafkaAssignmentOptions extends KafkaOptions {
  topic_prefix: string;
  /** A member not heard of for so long is thrown out. */
  session_timeout_ms?: number;
  /** How long the group waits for members that are letting go. */
  rebalance_timeout_ms?: number;
  /** Told when the broker's offset is not ours; it is ignored. */
  warn?: (message: string) => void;
  clock?: Clock;
}

type Change = (owned: ReadonlySet<number>) => Promise<void>;
type Partitions = ReadonlySet<number>;

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 60_000;
const HEARTBEATS_A_SESSION = 5;
const RETRY_PAUSE_MS = 500;
const PROTOCOL = "millrace-cooperative-1";
/** Stands beside an offset that we told the broker; who rewinds one with a tool leaves it out. */
const OUR_MARK = "millrace";
const NONE: Partitions = new Set();
/** The group went on without us. */
const THROWN_OUT = ["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID"];

export class KafkaAssignment implements Assignment {
  readonly #link: KafkaLink;
  readonly #clock: Clock;
  readonly #group: string;
  readonly #topic: string;
  readonly #closed = new AbortController();
  #member = "";
  #generation = -1;
  #owned: Partitions = NONE;
  /** How far we are, what of that the broker knows, and what it said when a partition came to us. */
  readonly #advised = new Map<number, number>();
  readonly #committed = new Map<number, number>();
  readonly #unchecked = new Map<number, { said: number; is_ours: boolean }>();

  constructor(readonly options: KafkaAssignmentOptions) {
    this.#link = new KafkaLink(options);
    this.#clock = options.clock ?? systemClock;
    this.#topic = topicName(options.topic_prefix, "events");
    this.#group = `${options.topic_prefix}process`;
  }

  async follow(change: Change, signal: AbortSignal): Promise<void> {
    const end = AbortSignal.any([signal, this.#closed.signal]);
    // Whatever waits for the broker gives up at once.
    const giveUp = () => void this.#link.drop();
    end.addEventListener("abort", giveUp, { once: true });
    let failure: unknown = null;
    try {
      while (!end.aborted) await this.#oneGeneration(change, end);
    } catch (error) {
      failure = error;
    }
    end.removeEventListener("abort", giveUp);
    // What was decided while letting go is still ours to tell, until we left.
    const held = this.#owned;
    try {
      if (!(failure instanceof ChangeFailed)) await this.#hold(change, NONE);
    } catch (error) {
      failure = error;
    }
    await this.#leave(held);
    if (failure !== null) throw failure instanceof ChangeFailed ? failure.cause : failure;
  }

  /** Sent with the next heartbeat. */
  advise(partition: number, next_offset: number): Promise<void> {
    const { said = -1, is_ours = false } = this.#unchecked.get(partition) ?? {};
    this.#unchecked.delete(partition);
    // One that died had decided more than it came to tell.
    if (said > next_offset || (said >= 0 && said < next_offset && !is_ours)) {
      const where = said > next_offset ? "ahead of" : "behind";
      this.options.warn?.(
        `The broker's offset ${said} of partition ${partition} is ${where} ours, ${next_offset}: ignored`,
      );
    }
    if (next_offset > (this.#advised.get(partition) ?? -1)) this.#advised.set(partition, next_offset);
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#link.drop();
  }

  /** From joining until the group changes again, or we were thrown out, or the broker is away. */
  async #oneGeneration(change: Change, end: AbortSignal): Promise<void> {
    try {
      const given = await this.#join();
      await this.#learnCommitted(given);
      await this.#stay(change, given, end);
    } catch (error) {
      if (error instanceof ChangeFailed) throw error;
      if (end.aborted) return;
      const reason = reasonOf(error);
      if (reason === "REBALANCE_IN_PROGRESS") return;
      if (THROWN_OUT.includes(reason)) {
        this.#member = "";
        this.#generation = -1;
        return await this.#hold(change, NONE);
      }
      const fault = kafkaFault(`follow the group ${this.#group}`, error);
      if (fault.retry === "never") throw fault;
      await this.#link.drop();
      await this.#clock.sleep(RETRY_PAUSE_MS, end).catch(() => undefined);
    }
  }

  async #join(): Promise<Partitions> {
    const broker = await this.#link.coordinatorOf(this.#group);
    const joined = await broker.joinGroup({
      groupId: this.#group,
      sessionTimeout: this.options.session_timeout_ms ?? SESSION_TIMEOUT_MS,
      rebalanceTimeout: this.options.rebalance_timeout_ms ?? REBALANCE_TIMEOUT_MS,
      memberId: this.#member,
      groupProtocols: [{ name: PROTOCOL, metadata: this.#describeMe() }],
    });
    this.#member = joined.memberId;
    this.#generation = joined.generationId;
    const isFirst = joined.leaderId === joined.memberId;
    const members = joined.members.map(({ memberId, memberMetadata }) =>
      describedMember(memberId, memberMetadata)
    );
    const { memberAssignment } = await broker.syncGroup({
      groupId: this.#group,
      generationId: this.#generation,
      memberId: this.#member,
      groupAssignment: isFirst ? await this.#plan(members) : [],
    });
    return assignedPartitions(memberAssignment);
  }

  async #plan(members: readonly GroupMember[]) {
    const { topics } = await this.#link.metadata([this.#topic]);
    const plan = planAssignment(members, topics[0].partitions);
    return [...plan].map(([memberId, partitions]) => {
      const writer = new WireWriter().int16(0).int32(1).string(this.#topic).int32(partitions.size);
      for (const partition of partitions) writer.int32(partition);
      return { memberId, memberAssignment: Buffer.from(writer.int32(0).bytes) };
    });
  }

  /** Changes over to what was given while heartbeats go on; returns when it is time to join again. */
  async #stay(change: Change, given: Partitions, end: AbortSignal): Promise<void> {
    const lost = [...this.#owned].some((partition) => !given.has(partition));
    const changed = new AbortController();
    const changing = this.#hold(change, given);
    changing.then(() => changed.abort("done"), () => changed.abort("failed"));
    const pause_ms = (this.options.session_timeout_ms ?? SESSION_TIMEOUT_MS) / HEARTBEATS_A_SESSION;
    const isOver = (rebalance: boolean) =>
      changed.signal.aborted && (lost || rebalance || changed.signal.reason === "failed");
    try {
      for (let rebalance = false; !end.aborted; rebalance = await this.#beat(rebalance)) {
        if (isOver(rebalance)) break;
        // The end of a change is noticed at once, so that what was let go of is soon given on.
        const wake = changed.signal.aborted ? end : AbortSignal.any([end, changed.signal]);
        await this.#clock.sleep(pause_ms, wake).catch(() => undefined);
        if (isOver(rebalance)) break;
      }
    } finally {
      await changing;
    }
  }

  /** True when the group wants everyone to join again. */
  async #beat(rebalance: boolean): Promise<boolean> {
    const broker = await this.#link.coordinatorOf(this.#group);
    try {
      await broker.heartbeat({
        groupId: this.#group,
        groupGenerationId: this.#generation,
        memberId: this.#member,
      });
      await this.#commit(broker);
      return rebalance;
    } catch (error) {
      if (reasonOf(error) === "REBALANCE_IN_PROGRESS") return true;
      throw error;
    }
  }

  /** Tells the broker what was advised since it was last told. */
  async #commit(broker: Broker, owned: Partitions = this.#owned): Promise<void> {
    const news = [...this.#advised].filter(([partition, next]) =>
      owned.has(partition) && this.#committed.get(partition) !== next
    );
    if (news.length === 0) return;
    await broker.offsetCommit({
      groupId: this.#group,
      groupGenerationId: this.#generation,
      memberId: this.#member,
      topics: [{
        topic: this.#topic,
        partitions: news.map(([partition, next]) => ({
          partition,
          offset: String(next),
          metadata: OUR_MARK,
        })),
      }],
    });
    for (const [partition, next] of news) this.#committed.set(partition, next);
  }

  /** What the broker was last told of partitions that are new to us. */
  async #learnCommitted(given: Partitions): Promise<void> {
    const gained = [...given].filter((partition) => !this.#owned.has(partition));
    if (gained.length === 0) return;
    const broker = await this.#link.coordinatorOf(this.#group);
    const topics = [{ topic: this.#topic, partitions: gained.map((partition) => ({ partition })) }];
    const { responses } = await broker.offsetFetch({ groupId: this.#group, topics });
    for (const { partition, offset, metadata } of responses.flatMap((response) => response.partitions)) {
      this.#unchecked.set(partition, { said: Number(offset), is_ours: metadata === OUR_MARK });
      this.#advised.delete(partition);
      this.#committed.delete(partition);
    }
  }

  async #hold(change: Change, given: Partitions): Promise<void> {
    const before = this.#owned;
    if (before.size === given.size && [...before].every((partition) => given.has(partition))) return;
    try {
      await change(given);
    } catch (error) {
      throw new ChangeFailed("Cannot change over", { cause: error });
    }
    this.#owned = given;
  }

  /** Goes without being waited for; a broker that does not hear it finds out by the missing heartbeats. */
  async #leave(held: Partitions): Promise<void> {
    if (this.#member === "") return;
    try {
      const broker = await this.#link.coordinatorOf(this.#group);
      await this.#commit(broker, held);
      await broker.leaveGroup({ groupId: this.#group, memberId: this.#member });
    } catch (error) {
      this.options.warn?.(kafkaFault(`leave the group ${this.#group}`, error).message);
    } finally {
      this.#member = "";
      await this.#link.drop();
    }
  }

  #describeMe(): Uint8Array {
    const owned = new WireWriter().int32(this.#generation).int32(this.#owned.size);
    for (const partition of this.#owned) owned.int32(partition);
    const writer = new WireWriter().int16(0).int32(1).string(this.#topic);
    return Buffer.from(writer.int32(owned.length).raw(owned.bytes).bytes);
  }
}

/** The callback failed, not the broker. */
class ChangeFailed extends Error {
  override name = "ChangeFailed";
}

function describedMember(id: string, metadata: Uint8Array): GroupMember {
  const reader = new WireReader(metadata);
  reader.int16();
  reader.array(() => reader.string());
  reader.int32();
  const generation = reader.int32();
  return { id, generation, owned: reader.array(() => reader.int32()) };
}

function assignedPartitions(assignment: Uint8Array): Partitions {
  if (assignment.length === 0) return NONE;
  const reader = new WireReader(assignment);
  reader.int16();
  return new Set(
    reader.array(() => {
      reader.string();
      return reader.array(() => reader.int32());
    }).flat(),
  );
}
