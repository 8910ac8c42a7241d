/**
 * Appends to one Kafka topic: idempotent, acknowledged by all in-sync replicas, one request at a time.
 *
 *   batch A (epoch 0, seq 7) ─► no answer ─► the same bytes again ─► stored once, whatever became of the first
 *   given up: epoch 1, seq 0 for what comes next, so that a copy of A still on its way can no longer be stored behind it
 *
 * The client library counts sequences back when a send fails, and would let the broker take the next batch for a
 * repetition of the lost one and drop it: therefore sequences and epochs are kept here.
 */
import { type Clock, systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import type { Commit, Group } from "./group_commit.ts";
import { encodeKafkaBatch, RECORD_OVERHEAD_BYTES } from "./kafka_batch.ts";
import { BrokerError, isOurBug, isRefusal, kafkaFault, type KafkaLink } from "./kafka_link.ts";
import { produceRequest } from "./kafka_requests.ts";
import type { NewRecord } from "./log.ts";
import { recordBytes } from "./record_batch.ts";

/** A batch is no larger than this, unless a single record is. */
const BATCH_BYTES = 900_000;
const RETRY_PAUSE_MS = 100;
const MAX_EPOCH = 30_000;
const MAX_SEQUENCE = 0x7fffffff;

const MESSAGE_TOO_LARGE = 10;
const DUPLICATE_SEQUENCE = 46;
/** Leaders that move, replicas that are missing, timeouts: the same bytes again. */
const TRY_AGAIN = [3, 5, 6, 7, 13, 19, 20, 56, 74, 75];
/** The broker lost track of us, or we of it: the same records again under a new epoch. */
const OUT_OF_STEP = [45, 47, 59];

/** The batch of one partition on its way. */
interface Sending {
  records: readonly NewRecord[];
  bytes: Uint8Array | null;
  base_offset: number | null;
  /** Why the last try did not store it. */
  refused: BrokerError | null;
}

export class KafkaProducer {
  #producer: { producer_id: number; epoch: number } | undefined;
  readonly #sequences = new Map<number, number>();

  constructor(
    readonly link: KafkaLink,
    readonly topic: string,
    readonly append_timeout_ms: number,
    readonly clock: Clock = systemClock,
  ) {}

  /** Rejects with the outcome unknown when the time is over; to be called again only after the answer. */
  readonly commit: Commit = async (groups) => {
    const rounds = groups.map(batchesOf);
    const longest = Math.max(...rounds.map((batches) => batches.length));
    const bases = groups.map(() => -1);
    for (let round = 0; round < longest; round++) {
      const sendings = new Map<number, Sending>();
      groups.forEach(({ partition }, i) => {
        const records = rounds[i].at(round);
        if (records) sendings.set(partition, { records, bytes: null, base_offset: null, refused: null });
      });
      await this.#send(sendings);
      // Others may append between two batches of ours, so that only the offsets of a single one are known.
      groups.forEach(({ partition }, i) => {
        if (rounds[i].length === 1) bases[i] = sendings.get(partition)?.base_offset ?? bases[i];
      });
    }
    return bases;
  };

  async #send(sendings: Map<number, Sending>): Promise<void> {
    const deadline = this.clock.now() + this.append_timeout_ms;
    try {
      for (;;) {
        const failure = await this.#tryOnce(sendings);
        const open = [...sendings.values()].filter(({ base_offset }) => base_offset === null);
        if (open.length === 0) return;
        const refused = open.find(({ refused }) => refused !== null)?.refused ?? null;
        const worst = refused && !TRY_AGAIN.includes(refused.code) ? refused : failure ?? refused;
        if (isHopeless(worst) || this.clock.now() >= deadline) throw worst;
        if (refused && OUT_OF_STEP.includes(refused.code)) this.#newEpoch(open);
        await this.clock.sleep(RETRY_PAUSE_MS);
        if (failure === null) await this.link.refresh().catch(() => this.link.drop());
        else await this.link.drop();
      }
    } catch (error) {
      this.#newEpoch([]);
      await this.link.drop();
      throw tooLarge(error, this.topic) ?? kafkaFault(`append to topic ${this.topic}`, error);
    }
  }

  /** Sends what is still open, each partition to its leader. Answers with what went wrong on the way, or null. */
  async #tryOnce(sendings: Map<number, Sending>): Promise<unknown> {
    const open = [...sendings.keys()].filter((partition) => sendings.get(partition)!.base_offset === null);
    try {
      await this.#encode(sendings, open);
      const leaders = await this.link.leadersOf(this.topic, open);
      const sent = await Promise.allSettled(leaders.map(async ({ broker, partitions }) => {
        const batches = new Map(partitions.map((partition) => [partition, sendings.get(partition)!.bytes!]));
        const request = produceRequest(this.topic, batches, this.append_timeout_ms);
        return await broker.connectionPool.send(request);
      }));
      for (const sending of sendings.values()) sending.refused = null;
      let failure: unknown = null;
      for (const outcome of sent) {
        if (outcome.status === "rejected") failure = outcome.reason;
        else outcome.value.forEach((answer) => this.#take(answer, sendings.get(answer.partition)!));
      }
      return failure;
    } catch (error) {
      if (isOurBug(error)) throw error;
      return error;
    }
  }

  async #encode(sendings: Map<number, Sending>, open: readonly number[]): Promise<void> {
    if (!this.#producer) {
      const broker = await this.link.anyBroker();
      const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout: 60_000 });
      this.#producer = { producer_id: Number(producerId), epoch: producerEpoch };
    }
    for (const partition of open) {
      const sending = sendings.get(partition)!;
      const sequence = this.#sequences.get(partition) ?? 0;
      sending.bytes ??= encodeKafkaBatch(sending.records, { ...this.#producer, sequence });
    }
  }

  #take(answer: { partition: number; error: number; base_offset: number }, sending: Sending): void {
    const { partition, error, base_offset } = answer;
    if (error === 0 || error === DUPLICATE_SEQUENCE) {
      sending.base_offset = error === 0 ? base_offset : -1;
      const next = (this.#sequences.get(partition) ?? 0) + sending.records.length;
      this.#sequences.set(partition, next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next);
      return;
    }
    sending.refused = new BrokerError(error, `partition ${partition} of ${this.topic}`);
  }

  /** What is still open is framed anew. */
  #newEpoch(open: readonly Sending[]): void {
    for (const sending of open) sending.bytes = null;
    this.#sequences.clear();
    if (!this.#producer) return;
    const { producer_id, epoch } = this.#producer;
    this.#producer = epoch >= MAX_EPOCH ? undefined : { producer_id, epoch: epoch + 1 };
  }
}

function batchesOf({ records }: Group): NewRecord[][] {
  const batches: NewRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = recordBytes(record) + RECORD_OVERHEAD_BYTES;
    if (bytes + size > BATCH_BYTES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)!.push(record);
    bytes += size;
  }
  return batches;
}

/** Trying again cannot help. */
function isHopeless(error: unknown): boolean {
  if (error instanceof BrokerError) return ![...TRY_AGAIN, ...OUT_OF_STEP].includes(error.code);
  return isRefusal(error);
}

function tooLarge(error: unknown, topic: string): Fault | null {
  if (!(error instanceof BrokerError) || error.code !== MESSAGE_TOO_LARGE) return null;
  const message = `Cannot append to topic ${topic}: the broker takes no record as large as this`;
  return new Fault("record_too_large", message, { blame: "sender", retry: "never", cause: error });
}
