/**
 * A connection to the brokers: the client library's own cluster (bootstrap, TLS, login, finding leaders), which it
 * keeps private, with the few requests that we frame ourselves sent through it. What failed is thrown away whole and
 * connected anew: a half-dead connection is worse than none.
 */
import { Kafka, logLevel, type SASLOptions } from "kafkajs";
import { Fault, messageOf } from "../errors.ts";
import { metadataRequest, type WireRequest } from "./kafka_requests.ts";
import { sleepWhileEmpty } from "./kafka_timers.ts";

export interface KafkaOptions {
  brokers: readonly string[];
  client_id?: string;
  /** TLS; with `ca`, only these authorities are believed. */
  ssl?: boolean | { ca: string[] };
  sasl?: { mechanism: "plain" | "scram-sha-256" | "scram-sha-512"; username: string; password: string };
  /** How long a request may take. */
  request_timeout_ms?: number;
}

/** What we use of a broker of the library. */
export interface Broker {
  connectionPool: { send<T>(request: WireRequest<T>): Promise<T> };
  listOffsets(request: {
    replicaId: number;
    isolationLevel: number;
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>;
  initProducerId(
    request: { transactionTimeout: number },
  ): Promise<{ producerId: string; producerEpoch: number }>;
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: { name: string; metadata: Uint8Array }[];
  }): Promise<JoinedGroup>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: { memberId: string; memberAssignment: Uint8Array }[];
  }): Promise<{ memberAssignment: Uint8Array }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: { topic: string; partitions: { partition: number; offset: string; metadata: string }[] }[];
  }): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: { topic: string; partitions: { partition: number }[] }[];
  }): Promise<
    { responses: { partitions: { partition: number; offset: string; metadata: string | null }[] }[] }
  >;
}

export interface JoinedGroup {
  generationId: number;
  leaderId: string;
  memberId: string;
  members: { memberId: string; memberMetadata: Uint8Array }[];
}

/** What we use of a cluster of the library. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
}

export const REQUEST_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;

export function kafkaClient(options: KafkaOptions): Kafka {
  sleepWhileEmpty();
  return new Kafka({
    clientId: options.client_id ?? "millrace",
    brokers: [...options.brokers],
    ssl: options.ssl ?? false,
    // The library's type has one member a mechanism; ours leaves the choice to a setting.
    sasl: options.sasl as SASLOptions | undefined,
    requestTimeout: options.request_timeout_ms ?? REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: options.request_timeout_ms ?? REQUEST_TIMEOUT_MS,
    logLevel: logLevel.NOTHING,
    retry: { retries: 1, initialRetryTime: 50, maxRetryTime: 200 },
  });
}

export class KafkaLink implements AsyncDisposable {
  #cluster: Promise<Cluster> | undefined;
  readonly #kafka: Kafka;

  constructor(options: KafkaOptions) {
    this.#kafka = kafkaClient(options);
  }

  /** The leader of each partition asked for, and which of them it leads. */
  async leadersOf(
    topic: string,
    partitions: readonly number[],
  ): Promise<{ broker: Broker; partitions: number[] }[]> {
    const cluster = await this.#connected();
    await cluster.addMultipleTargetTopics([topic]);
    const byNode = Object.entries(cluster.findLeaderForPartitions(topic, partitions));
    const known = byNode.reduce((sum, [, led]) => sum + led.length, 0);
    if (known < partitions.length) throw new BrokerError(5, `leader of ${topic}`);
    return await Promise.all(byNode.map(async ([nodeId, led]) => ({
      broker: await cluster.findBroker({ nodeId }),
      partitions: led,
    })));
  }

  async leaderOf(topic: string, partition: number): Promise<Broker> {
    return (await this.leadersOf(topic, [partition]))[0].broker;
  }

  async anyBroker(): Promise<Broker> {
    const cluster = await this.#connected();
    await cluster.addMultipleTargetTopics([]);
    return await cluster.findControllerBroker();
  }

  async coordinatorOf(groupId: string): Promise<Broker> {
    return await (await this.#connected()).findGroupCoordinator({ groupId });
  }

  /** Learns of new leaders. */
  async refresh(): Promise<void> {
    await (await this.#connected()).refreshMetadata();
  }

  async metadata(topics: readonly string[]) {
    return await (await this.anyBroker()).connectionPool.send(metadataRequest(topics));
  }

  /** Throws the connection away; the next use makes another. */
  async drop(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    // One that never connected has nothing to be closed.
    await cluster?.then((one) => one.disconnect(), () => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }

  #connected(): Promise<Cluster> {
    const known = this.#cluster;
    if (known) return known;
    const connecting = connect(this.#kafka);
    this.#cluster = connecting;
    connecting.catch(() => {
      if (this.#cluster === connecting) this.#cluster = undefined;
    });
    return connecting;
  }
}

async function connect(kafka: Kafka): Promise<Cluster> {
  const isMaker = (symbol: symbol) => symbol.description === "private:Kafka:createCluster";
  const maker = Object.getOwnPropertySymbols(kafka).find(isMaker);
  if (!maker) throw new TypeError("This version of the client library has no cluster of its own");
  const make: (options: Record<string, unknown>) => Cluster = Reflect.get(kafka, maker);
  const cluster = make({ allowAutoTopicCreation: false, metadataMaxAge: 60_000 });
  await cluster.connect();
  return cluster;
}

/** An error code that a broker answered with. */
export class BrokerError extends Error {
  override name = "BrokerError";
  constructor(readonly code: number, what: string) {
    super(`${CODES[code] ?? `error code ${code}`} (${what})`);
  }
}

const CODES: Record<number, string> = {
  1: "OFFSET_OUT_OF_RANGE",
  3: "UNKNOWN_TOPIC_OR_PARTITION",
  5: "LEADER_NOT_AVAILABLE",
  6: "NOT_LEADER_OR_FOLLOWER",
  7: "REQUEST_TIMED_OUT",
  10: "MESSAGE_TOO_LARGE",
  18: "RECORD_LIST_TOO_LARGE",
  19: "NOT_ENOUGH_REPLICAS",
  20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
  29: "TOPIC_AUTHORIZATION_FAILED",
  45: "OUT_OF_ORDER_SEQUENCE_NUMBER",
  46: "DUPLICATE_SEQUENCE_NUMBER",
  47: "INVALID_PRODUCER_EPOCH",
  56: "KAFKA_STORAGE_ERROR",
  59: "UNKNOWN_PRODUCER_ID",
  87: "INVALID_RECORD",
};

const REFUSALS = [
  "TOPIC_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "KafkaJSSASLAuthenticationError",
];

/** The brokers do not let us. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.includes(reasonOf(error));
}

/** The name of what a broker refused with, or the library's name of the error. */
export function reasonOf(error: unknown): string {
  if (error instanceof BrokerError) return CODES[error.code] ?? String(error.code);
  if (error instanceof Error && "type" in error && typeof error.type === "string") return error.type;
  return error instanceof Error ? error.name : String(error);
}

/** A TypeError from inside the client library is how it stumbles over a connection that broke under it. */
export function isOurBug(error: unknown): boolean {
  if (!(error instanceof TypeError || error instanceof RangeError)) return false;
  return !/\bkafkajs\b/.test(error.stack?.split("\n").find((line) => /^\s+at /.test(line)) ?? "");
}

/** Anything that a broker or the way to it did; a Fault or a bug of ours is passed on as it is. */
export function kafkaFault(doing: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (isOurBug(error)) throw error;
  const refused = isRefusal(error);
  return new Fault(refused ? "log_refused" : "log_unavailable", `Cannot ${doing}: ${messageOf(error)}`, {
    blame: "dependency",
    retry: refused ? "never" : "after_backoff",
    cause: error,
  });
}
