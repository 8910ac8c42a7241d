/** Every setting of the program by itself: how it is read, what it is by default, and one sentence of what it means. */
import { z } from "zod";

const whole = (min: number, max: number) =>
  z.string().regex(/^-?\d+$/, "it must be a whole number").transform(Number).pipe(z.int().min(min).max(max));
const flag = z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1");
const text = z.string().regex(/\S/, "it is blank");
const address = z.url({ protocol: /^https?$/, error: "it must be an address with http:// or https://" });
const brokers = z.string().regex(
  /^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$|^(\[[0-9a-fA-F:]+\]:\d{1,5},?)+$/,
  "it must read host:port,...",
);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const GIB = 1024 ** 3;

/** A setting, and whether its value may ever be shown. */
export interface Setting {
  schema: z.ZodType;
  fallback: string | null;
  doc: string;
  secret?: true;
}

const s = <S extends z.ZodType>(schema: S, fallback: string | null, doc: string) => ({
  schema,
  fallback,
  doc,
});
const secret = <S extends z.ZodType>(schema: S, doc: string) => ({
  schema,
  fallback: null,
  doc,
  secret: true as const,
});

export const SETTINGS = {
  HOST: s(
    text,
    "127.0.0.1",
    "Address to listen on; any other than loopback needs API_TOKEN and INGEST_TOKENS.",
  ),
  PORT: s(whole(0, 65535), "8000", "Port to listen on; 0 takes a free one."),
  DATA_DIR: s(text, "./data", "Folder of the embedded log, the lake on disk, the cache and temporary files."),
  CONFIG_DIR: s(
    text,
    "./config",
    "Folder of sources.yaml, kinds.yaml, rules.yaml, windows.yaml, generator.yaml, alerts.yaml.",
  ),
  LOG_LEVEL: s(z.enum(["debug", "info", "warn", "error"]), "info", "Least severity of log lines."),
  LOG_FORMAT: s(z.enum(["text", "json"]), "text", "How log lines are written; json is one object a line."),
  KAFKA_BROKERS: s(brokers, null, "Brokers as host:port,...; absent means the embedded log."),
  KAFKA_TOPIC_PREFIX: s(
    z.string().regex(/^[a-zA-Z0-9._-]*$/),
    "millrace.",
    "Put before the names of the topics.",
  ),
  KAFKA_REPLICATION: s(whole(1, 9), "1", "Copies of each partition when topics are created."),
  KAFKA_SSL: s(flag, "false", "Speak TLS to the brokers."),
  KAFKA_SSL_CA: secret(
    text,
    "Authorities (PEM) that alone may vouch for the brokers, which speak TLS then; best as KAFKA_SSL_CA_FILE.",
  ),
  KAFKA_SASL_MECHANISM: s(
    z.enum(["plain", "scram-sha-256", "scram-sha-512"]),
    null,
    "How to log in to the brokers.",
  ),
  KAFKA_USERNAME: s(text, null, "Name for the brokers."),
  KAFKA_PASSWORD: secret(text, "Password for the brokers."),
  S3_ENDPOINT: s(address, null, "Address of the S3 server with scheme; absent with S3_BUCKET means AWS."),
  S3_BUCKET: s(text, null, "Bucket of the lake; absent means the disk store."),
  S3_PREFIX: s(
    z.string().regex(/^([^/].*\/)?$/, "it must end with / and not begin with it"),
    "lake/",
    "Key prefix of the tables in the bucket.",
  ),
  S3_REGION: s(text, "us-east-1", "Region of the bucket."),
  S3_ACCESS_KEY_ID: secret(text, "Key of the bucket; without it the SDK's default chain is asked."),
  S3_SECRET_ACCESS_KEY: secret(text, "Secret of the key."),
  S3_SESSION_TOKEN: secret(text, "Session token of temporary keys."),
  S3_PUBLIC_ENDPOINT: s(
    address,
    null,
    "Address of the store as a browser sees it, when it differs from S3_ENDPOINT.",
  ),
  PARTITIONS: s(
    whole(1, 512),
    "4",
    "Partitions of the events topic when it is created; never changed afterwards.",
  ),
  PROCESS_WORKERS: s(
    whole(1, 64),
    null,
    "Worker threads that process partitions in one program; absent means two in the role all, one in the role process.",
  ),
  CHECKPOINT_MS: s(whole(200, 600_000), "5000", "Longest time between checkpoints while records come."),
  COMPACT_EVERY_MS: s(whole(200, 7 * DAY_MS), "60000", "Time between looks for files to compact."),
  MODELS_EVERY_MS: s(whole(200, 7 * DAY_MS), "60000", "Time between refreshes of the models."),
  EXPIRE_EVERY_MS: s(
    whole(200, 7 * DAY_MS),
    "600000",
    "Time between thinning of snapshots and collecting garbage.",
  ),
  AUDIT_EVERY_MS: s(whole(200, 7 * DAY_MS), "300000", "Time between audits."),
  UPKEEP_AFTER_MS: s(
    whole(200, 7 * DAY_MS),
    "15000",
    "Longest time from a start to the first compaction, thinning, audit and making of models.",
  ),
  OUT_OF_ORDERNESS_MS: s(
    whole(0, DAY_MS),
    "10000",
    "How far the watermark stays behind the highest event time.",
  ),
  ALLOWED_LATENESS_MS: s(
    whole(0, 30 * DAY_MS),
    String(HOUR_MS),
    "How far behind the watermark an event still counts.",
  ),
  TICK_AFTER_MS: s(
    whole(200, DAY_MS),
    "5000",
    "Silence after which the owner of a partition appends a tick.",
  ),
  DEDUP_WEBHOOK_MS: s(
    whole(1000, 365 * DAY_MS),
    String(7 * DAY_MS),
    "How long a webhook's id is remembered.",
  ),
  DEDUP_TOKEN_MS: s(
    whole(1000, 365 * DAY_MS),
    String(HOUR_MS),
    "How long the id of an ingested event is remembered.",
  ),
  DEDUP_MAX_IDS: s(
    whole(1000, 200_000_000),
    "20000000",
    "Remembered ids a partition; beyond, the oldest go.",
  ),
  MAX_BODY_BYTES: s(
    whole(1024, 64 * 1024 * 1024),
    "5242880",
    "Largest body of /ingest (hooks have their own, smaller limit).",
  ),
  BODY_TIMEOUT_MS: s(whole(100, 600_000), "10000", "Longest time a body may take to arrive."),
  HOOK_RATE_PER_SECOND: s(
    whole(0, 10_000_000),
    "5000",
    "Webhooks a second a source, and unverified ones a client address; 0 no limit.",
  ),
  INGEST_RATE_PER_SECOND: s(whole(0, 10_000_000), "50000", "Ingested events a second a source; 0 no limit."),
  RATE_LIMIT_PER_SECOND: s(whole(0, 10_000_000), null, "Overrides both rates; 0 no limit."),
  SPILL_MAX_BYTES: s(
    whole(0, 1024 * GIB),
    String(GIB),
    "Room for events while Kafka is away; 0 answers 503 instead.",
  ),
  LOG_RETENTION_HOURS: s(whole(0, 24 * 365), "168", "How long the embedded log keeps what is published."),
  TABLE_RETENTION_DAYS: s(
    text,
    null,
    "Days of event time that tables keep, as table=days,...; absent keeps all.",
  ),
  REDACT_KEY: secret(
    z.string().min(16),
    "Key of the tokens that replace redacted values; needed when a source lists redact paths.",
  ),
  ALERT_WEBHOOK_SECRET: secret(text, "Secret (whsec_...) that signs outgoing alerts."),
  PUBLIC_URL: s(address, null, "Address of this server as people see it, behind a proxy."),
  TRUST_PROXY: s(
    whole(0, 10),
    "0",
    "How many proxies stand in front and may be believed in X-Forwarded-For.",
  ),
  CACHE_MAX_BYTES: s(
    whole(0, 1024 * GIB),
    String(2 * GIB),
    "Room for fetched data files of the query cache.",
  ),
  QUERY_MAX_CONCURRENT: s(whole(1, 64), "2", "Queries that run at once; others wait."),
  QUERY_TIMEOUT_MS: s(whole(100, HOUR_MS), "10000", "Longest time of a query."),
  QUERY_MAX_BYTES: s(
    whole(1024, 64 * GIB),
    String(GIB),
    "Memory of a query process and size of its answer at most.",
  ),
  QUERY_URL: s(address, null, "Address of a query role that an edge sends queries to."),
  API_TOKEN: secret(text, "Admin token: may do everything."),
  READ_TOKEN: secret(text, "Token that may read: page, API, queries, catalog, metrics."),
  INGEST_TOKENS: secret(text, "Tokens of /ingest as name=token,...; the name becomes the row's source."),
  DEMO_EVENTS_PER_SECOND: s(whole(0, 50_000), "0", "Demo events a second made inside the program; 0 none."),
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
