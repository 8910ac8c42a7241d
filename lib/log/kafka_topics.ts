/**
 * Makes the topics that are missing, with the settings that our promises rest on, and refuses topics whose settings
 * would break one: a topic that compacts, cuts, or reorders is worse than none.
 */
import { systemClock } from "../clock.ts";
import { Fault } from "../errors.ts";
import { kafkaClient, kafkaFault, type KafkaOptions } from "./kafka_link.ts";
import { MAX_RECORD_BYTES } from "./log_limits.ts";
import { topicName, TOPICS } from "./topics.ts";

export interface TopicPlan {
  topic_prefix: string;
  /** Of topics that are made; existing ones keep theirs. */
  partitions: number;
  replication: number;
  /** At least this long records stay; existing topics may keep them longer. */
  retention_ms: number;
  max_record_bytes?: number;
}

/** A batch of one record at the limit, with room for its frame. */
const BATCH_ROOM_BYTES = 64 * 1024;
const TOPIC_RESOURCE = 2;
const PATIENCE_MS = 15_000;
const RETRY_PAUSE_MS = 200;

/**
 * Resolves when all topics are there and right; safe to run in any number of programs at once. Rejects when the brokers
 * are away for too long, or at once when they refuse.
 */
export async function prepareTopics(
  options: KafkaOptions,
  plan: TopicPlan,
  clock = systemClock,
): Promise<void> {
  const patience = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      const differences = await prepareOnce(options, plan);
      if (differences.length > 0) throw wrongSettings(differences);
      return;
    } catch (error) {
      // A topic that was made this moment is not yet known to every broker.
      const fault = kafkaFault("prepare the topics", error);
      if (fault.retry === "never" || clock.now() > patience) throw fault;
      await clock.sleep(RETRY_PAUSE_MS);
    }
  }
}

async function prepareOnce(options: KafkaOptions, plan: TopicPlan): Promise<string[]> {
  const admin = kafkaClient(options).admin();
  const names = TOPICS.map((topic) => topicName(plan.topic_prefix, topic));
  try {
    await admin.connect();
    const present = await admin.listTopics();
    const missing = names.filter((name) => !present.includes(name));
    if (missing.length > 0) {
      await admin.createTopics({
        topics: missing.map((topic) => newTopic(topic, plan)),
        waitForLeaders: false,
      });
    }
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: TOPIC_RESOURCE, name })),
    });
    return resources.flatMap(({ resourceName, configEntries }) => {
      const settings = configEntries.map(({ configName, configValue }) => [configName, configValue] as const);
      return differencesOf(new Map(settings), plan).map((difference) => `${resourceName}: ${difference}`);
    });
  } finally {
    await admin.disconnect();
  }
}

function newTopic(topic: string, plan: TopicPlan) {
  const settings: Record<string, string> = {
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(maxBatchBytes(plan)),
    "retention.ms": String(plan.retention_ms),
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
    "min.insync.replicas": String(minInsync(plan)),
  };
  return {
    topic,
    numPartitions: plan.partitions,
    replicationFactor: plan.replication,
    configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
  };
}

/** One replica may be away; what is acknowledged stands on all the others. */
function minInsync({ replication }: TopicPlan): number {
  return Math.max(1, replication - 1);
}

function maxBatchBytes(plan: TopicPlan): number {
  return (plan.max_record_bytes ?? MAX_RECORD_BYTES) + BATCH_ROOM_BYTES;
}

/** Each setting that would break a promise, with what it is and what it has to be. Pure. */
export function differencesOf(settings: ReadonlyMap<string, string>, plan: TopicPlan): string[] {
  const retention_ms = Number(settings.get("retention.ms") ?? -1);
  const demands: [name: string, wanted: string, fits: boolean][] = [
    ["cleanup.policy", "delete", settings.get("cleanup.policy") === "delete"],
    ["message.timestamp.type", "LogAppendTime", settings.get("message.timestamp.type") === "LogAppendTime"],
    [
      "max.message.bytes",
      `${maxBatchBytes(plan)} or more`,
      Number(settings.get("max.message.bytes") ?? 0) >= maxBatchBytes(plan),
    ],
    [
      "retention.ms",
      `${plan.retention_ms} or more, or -1`,
      retention_ms === -1 || retention_ms >= plan.retention_ms,
    ],
    ["retention.bytes", "-1", Number(settings.get("retention.bytes") ?? -1) < 0],
    ["unclean.leader.election.enable", "false", settings.get("unclean.leader.election.enable") !== "true"],
    [
      "min.insync.replicas",
      `${minInsync(plan)} or more`,
      Number(settings.get("min.insync.replicas") ?? 1) >= minInsync(plan),
    ],
  ];
  return demands.filter(([, , fits]) => !fits).map(([name, wanted]) =>
    `${name} is ${settings.get(name) ?? "unknown"} and must be ${wanted}`
  );
}

function wrongSettings(differences: readonly string[]): Fault {
  const message = `Cannot use the topics: ${differences.join("; ")}`;
  return new Fault("wrong_topic_settings", message, {
    blame: "us",
    retry: "never",
    fields: differences.map((difference) => ({ field: difference, code: "wrong_setting" })),
  });
}
