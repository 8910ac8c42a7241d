/** Every setting of the program: one schema, one sentence each, parsed once and refused in one message. */
import { z } from "zod";

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const flag = z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1");
const text = z.string().min(1);
const address = z.url({ protocol: /^https?$/, error: "it must be an address with http:// or https://" });
const brokers = z.string().regex(
  /^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$|^(\[[0-9a-fA-F:]+\]:\d{1,5},?)+$/,
  "it must read host:port,...",
);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const GIB = 1024 ** 3;

/** A setting: how it is read, what it is by default, what it means, and whether its value may ever be shown. */
interface Setting {
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
  S3_PREFIX: s(z.string().regex(/^([^/].*\/)?$/), "lake/", "Key prefix of the tables in the bucket."),
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
  API_TOKEN: secret(z.string().min(8), "Admin token: may do everything."),
  READ_TOKEN: secret(z.string().min(8), "Token that may read: page, API, queries, catalog, metrics."),
  INGEST_TOKENS: secret(text, "Tokens of /ingest as name=token,...; the name becomes the row's source."),
  DEMO_EVENTS_PER_SECOND: s(whole(0, 50_000), "0", "Demo events a second made inside the program; 0 none."),
} satisfies Record<string, Setting>;

type Fields = typeof SETTINGS;
type Value<K extends keyof Fields> = z.output<Fields[K]["schema"]>;
export type SettingName = keyof Fields;

/** Names whose absence has a meaning of its own. */
type Optional =
  | "KAFKA_BROKERS"
  | "KAFKA_SSL_CA"
  | "KAFKA_SASL_MECHANISM"
  | "KAFKA_USERNAME"
  | "KAFKA_PASSWORD"
  | "S3_ENDPOINT"
  | "S3_BUCKET"
  | "S3_ACCESS_KEY_ID"
  | "S3_SECRET_ACCESS_KEY"
  | "S3_SESSION_TOKEN"
  | "S3_PUBLIC_ENDPOINT"
  | "PROCESS_WORKERS"
  | "RATE_LIMIT_PER_SECOND"
  | "TABLE_RETENTION_DAYS"
  | "REDACT_KEY"
  | "ALERT_WEBHOOK_SECRET"
  | "PUBLIC_URL"
  | "QUERY_URL"
  | "API_TOKEN"
  | "READ_TOKEN"
  | "INGEST_TOKENS";

export type Settings =
  & { readonly [K in Exclude<SettingName, Optional>]: Value<K> }
  & { readonly [K in Optional]: Value<K> | null }
  & {
    /** `<SOURCE>_WEBHOOK_SECRET` by the source's name in lower case: the keys in force, each with its end or null. */
    readonly webhook_secrets: Readonly<Record<string, readonly WebhookSecret[]>>;
    /** `INGEST_TOKENS` taken apart: source name by token. */
    readonly ingest_tokens: Readonly<Record<string, string>>;
    /** `TABLE_RETENTION_DAYS` taken apart: days by table name. */
    readonly table_retention_days: Readonly<Record<string, number>>;
    /** Deno's own folder where it is not the usual one (in the image): all that a query process is told. */
    readonly deno_dir: string | null;
  };

export interface WebhookSecret {
  secret: string;
  /** Milliseconds since 1970 from which this key is refused; null for never. */
  until_ms: number | null;
}

export type SettingsReading =
  | { ok: true; settings: Settings }
  | { ok: false; faults: readonly { name: string; message: string }[] };

const SECRET_SUFFIX = "_WEBHOOK_SECRET";
const MAX_SECRETS = 4;
const RESERVED_SOURCES = [
  "millrace",
  "demo",
  "kafka",
  "stripe",
  "revolut",
  "github",
  "shopify",
  "standard_webhooks",
  "cloud_events",
];

/**
 * Reads all settings from `environment`, complaining of every fault at once. `readFile` serves `<NAME>_FILE`, which
 * any secret may use instead of `<NAME>`.
 */
export function readSettings(
  environment: Readonly<Record<string, string>>,
  readFile: (path: string) => string,
): SettingsReading {
  const faults: { name: string; message: string }[] = [];
  const given = withFiles(environment, readFile, faults);
  const settings: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS) as [string, Setting][]) {
    const raw = given[name] || setting.fallback;
    if (raw === null || raw === undefined) {
      settings[name] = null;
      continue;
    }
    const parsed = setting.schema.safeParse(raw);
    if (parsed.success) settings[name] = parsed.data;
    else faults.push({ name, message: faultText(parsed.error, setting, raw) });
  }
  refuseUnknown(given, faults);
  settings.deno_dir = environment.DENO_DIR || null;
  settings.webhook_secrets = webhookSecrets(given, faults);
  settings.ingest_tokens = ingestTokens(settings.INGEST_TOKENS as string | null, faults);
  settings.table_retention_days = retentionDays(settings.TABLE_RETENTION_DAYS as string | null, faults);
  faults.push(...missingBeside(settings), ...sharedTokens(settings));
  // The one cast: every name of SETTINGS was parsed by its own schema above.
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings: settings as Settings };
}

/** Settings that mean nothing without another one. */
const BESIDE: readonly (readonly [name: string, needs: string])[] = [
  ["S3_ENDPOINT", "S3_BUCKET"],
  ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
  ["S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID"],
  ["S3_SESSION_TOKEN", "S3_ACCESS_KEY_ID"],
  ["KAFKA_SASL_MECHANISM", "KAFKA_USERNAME"],
  ["KAFKA_USERNAME", "KAFKA_SASL_MECHANISM"],
  ["KAFKA_USERNAME", "KAFKA_PASSWORD"],
  ["KAFKA_PASSWORD", "KAFKA_USERNAME"],
];

function missingBeside(settings: Readonly<Record<string, unknown>>): { name: string; message: string }[] {
  const missing = BESIDE.filter(([name, needs]) => settings[name] && settings[needs] === null);
  return missing.map(([name, needs]) => ({ name: needs, message: `is missing beside ${name}` }));
}

/** Each token opens one thing: the same one twice would open more, or less, than its giver thinks. */
function sharedTokens(settings: Readonly<Record<string, unknown>>): { name: string; message: string }[] {
  const { API_TOKEN, READ_TOKEN } = settings;
  const ingest = Object.keys(settings.ingest_tokens as Record<string, string>);
  const faults: { name: string; message: string }[] = [];
  if (READ_TOKEN && READ_TOKEN === API_TOKEN) {
    faults.push({ name: "READ_TOKEN", message: "is the same as API_TOKEN" });
  }
  for (const [name, token] of [["API_TOKEN", API_TOKEN], ["READ_TOKEN", READ_TOKEN]]) {
    if (token && ingest.includes(String(token))) {
      faults.push({ name: "INGEST_TOKENS", message: `holds the same token as ${name}` });
    }
  }
  return faults;
}

function faultText(error: z.ZodError, setting: Setting, raw: string): string {
  const shown = setting.secret ? "the value" : JSON.stringify(raw);
  return `${shown} is refused: ${error.issues.map((issue) => issue.message).join("; ")}`;
}

function withFiles(
  environment: Readonly<Record<string, string>>,
  readFile: (path: string) => string,
  faults: { name: string; message: string }[],
): Record<string, string> {
  const given: Record<string, string> = { ...environment };
  for (const [name, path] of Object.entries(environment)) {
    const target = name.slice(0, -"_FILE".length);
    if (!name.endsWith("_FILE") || !isSecret(target)) continue;
    if (environment[target]) faults.push({ name, message: `stands beside ${target}: give one of them` });
    try {
      given[target] = readFile(path).trim();
    } catch (error) {
      faults.push({ name, message: `cannot be read: ${error instanceof Error ? error.message : error}` });
    }
  }
  return given;
}

function isSecret(name: string): boolean {
  return name.endsWith(SECRET_SUFFIX) || (SETTINGS as Record<string, Setting>)[name]?.secret === true;
}

function refuseUnknown(given: Record<string, string>, faults: { name: string; message: string }[]): void {
  for (const name of Object.keys(given)) {
    if (name.startsWith("MILLRACE_")) {
      faults.push({ name, message: "is not a setting; `main.ts settings` lists them (they have no prefix)" });
    }
  }
}

function webhookSecrets(given: Record<string, string>, faults: { name: string; message: string }[]) {
  const bySource: Record<string, WebhookSecret[]> = {};
  for (const [name, value] of Object.entries(given)) {
    if (
      !name.endsWith(SECRET_SUFFIX) || name === SECRET_SUFFIX || name === "ALERT_WEBHOOK_SECRET" || !value
    ) continue;
    const secrets = value.split(",").map((part) => part.trim()).filter((part) => part !== "").map(oneSecret);
    if (secrets.length > MAX_SECRETS) {
      faults.push({ name, message: `holds more than ${MAX_SECRETS} secrets` });
    }
    if (secrets.some((one) => one === null)) {
      faults.push({ name, message: "has an `until` that is no RFC 3339 time" });
    }
    bySource[name.slice(0, -SECRET_SUFFIX.length).toLowerCase()] = secrets.filter((one) => one !== null);
  }
  return bySource;
}

function oneSecret(part: string): WebhookSecret | null {
  const [secretText, until] = part.split(";until=");
  if (until === undefined) return { secret: secretText, until_ms: null };
  const until_ms = Date.parse(until);
  return Number.isNaN(until_ms) ? null : { secret: secretText, until_ms };
}

function ingestTokens(value: string | null, faults: { name: string; message: string }[]) {
  const tokens: Record<string, string> = {};
  for (const part of (value ?? "").split(",").filter((one) => one.trim() !== "")) {
    const at = part.indexOf("=");
    const [source, token] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (at < 1 || !/^[a-z][a-z0-9_]{0,63}$/.test(source) || token.length < 8) {
      faults.push({
        name: "INGEST_TOKENS",
        message: "must read name=token,... (names a-z0-9_, tokens of 8 characters or more)",
      });
    } else if (RESERVED_SOURCES.includes(source)) {
      faults.push({
        name: "INGEST_TOKENS",
        message: `cannot use the name ${source}: it belongs to the program`,
      });
    } else if (token in tokens) {
      faults.push({ name: "INGEST_TOKENS", message: `gives ${tokens[token]} and ${source} the same token` });
    } else tokens[token] = source;
  }
  return tokens;
}

function retentionDays(value: string | null, faults: { name: string; message: string }[]) {
  const days: Record<string, number> = {};
  for (const part of (value ?? "").split(",").filter((one) => one.trim() !== "")) {
    const match = /^\s*([a-z_.]+)\s*=\s*(\d{1,5})\s*$/.exec(part);
    if (match && Number(match[2]) > 0) days[match[1]] = Number(match[2]);
    else faults.push({ name: "TABLE_RETENTION_DAYS", message: "must read table=days,..." });
  }
  return days;
}

/** What a role that listens for the outside must have, beyond each setting being right by itself. */
export function listeningFaults(settings: Settings, role: string): { name: string; message: string }[] {
  const faults: { name: string; message: string }[] = [];
  if (isLoopback(settings.HOST)) return faults;
  if (!settings.API_TOKEN) {
    faults.push({ name: "API_TOKEN", message: `is needed when HOST is ${settings.HOST}` });
  }
  if (
    (role === "all" || role === "edge" || role === "dev") && Object.keys(settings.ingest_tokens).length === 0
  ) {
    faults.push({ name: "INGEST_TOKENS", message: `is needed when HOST is ${settings.HOST}` });
  }
  return faults;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
