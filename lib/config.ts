/** Reads all settings once, each by its own schema and then together, and refuses all that is wrong in one message. */
import { z } from "zod";
import { type Setting, type SettingName, SETTINGS } from "./setting_list.ts";
import {
  ingestTokens,
  retentionDays,
  SECRET_SUFFIX,
  type SettingFault,
  type WebhookSecret,
  webhookSecrets,
} from "./setting_parts.ts";

type Fields = typeof SETTINGS;
type Value<K extends keyof Fields> = z.output<Fields[K]["schema"]>;

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

export type SettingsReading =
  | { ok: true; settings: Settings }
  | { ok: false; faults: readonly SettingFault[] };

/**
 * Reads all settings from `environment`, complaining of every fault at once. `readFile` serves `<NAME>_FILE`, which
 * any secret may use instead of `<NAME>`.
 */
export function readSettings(
  environment: Readonly<Record<string, string>>,
  readFile: (path: string) => string,
): SettingsReading {
  const faults: SettingFault[] = [];
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

function missingBeside(settings: Readonly<Record<string, unknown>>): SettingFault[] {
  const missing = BESIDE.filter(([name, needs]) => settings[name] && settings[needs] === null);
  return missing.map(([name, needs]) => ({ name: needs, message: `is missing beside ${name}` }));
}

/** Each token opens one thing: the same one twice would open more, or less, than its giver thinks. */
function sharedTokens(settings: Readonly<Record<string, unknown>>): SettingFault[] {
  const { API_TOKEN, READ_TOKEN } = settings;
  const ingest = Object.keys(settings.ingest_tokens as Record<string, string>);
  const faults: SettingFault[] = [];
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
  faults: SettingFault[],
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

function refuseUnknown(given: Record<string, string>, faults: SettingFault[]): void {
  for (const name of Object.keys(given)) {
    if (name.startsWith("MILLRACE_")) {
      faults.push({ name, message: "is not a setting; `main.ts settings` lists them (they have no prefix)" });
    }
  }
}

/** What a role that listens for the outside must have, beyond each setting being right by itself. */
export function listeningFaults(settings: Settings, role: string): SettingFault[] {
  const faults: SettingFault[] = [];
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
