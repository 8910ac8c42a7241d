/** What is wrong with the settings of a role, looked for before anything is opened, so that all of it is told at once. */
import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { listeningFaults, type Settings } from "../lib/config.ts";
import { SETTINGS } from "../lib/setting_list.ts";
import type { SettingFault } from "../lib/setting_parts.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import { hmacKeyBytes } from "../lib/source/standard_webhooks.ts";
import type { Sources } from "../lib/source/sources.ts";
import { systemCode } from "../lib/store/disk_fault.ts";
import { tryWriting } from "../lib/store/local_file.ts";
import { secretName } from "./dev_folder.ts";

/** Faults of the settings and of the folders that they name. Who `makes` a missing DATA_DIR finds out more than who only looks. */
export async function startFaults(
  settings: Settings,
  role: { name: string; needs_kafka: boolean },
  { makes }: { makes: boolean } = { makes: true },
): Promise<SettingFault[]> {
  const faults = listeningFaults(settings, role.name);
  if (role.needs_kafka && settings.KAFKA_BROKERS === null) {
    faults.push({
      name: "KAFKA_BROKERS",
      message: `is needed by the role ${role.name}; one process alone is the role all`,
    });
  }
  const secret = settings.ALERT_WEBHOOK_SECRET;
  if (secret !== null && hmacKeyBytes(secret) === null) {
    faults.push({ name: "ALERT_WEBHOOK_SECRET", message: "is not base64 after whsec_" });
  }
  const folders = await Promise.all([configFault(settings), dataFault(settings, makes)]);
  return [...faults, ...folders.filter((fault) => fault !== null)];
}

/** The shipped folder may be left out; one that somebody names must be there. */
async function configFault({ CONFIG_DIR }: Settings): Promise<SettingFault | null> {
  if (CONFIG_DIR === SETTINGS.CONFIG_DIR.fallback) return null;
  const fault = (state: string) => ({ name: "CONFIG_DIR", message: `${CONFIG_DIR} ${state}` });
  try {
    return (await Deno.stat(CONFIG_DIR)).isDirectory ? null : fault("is no folder");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return fault(`cannot be read: ${messageOf(error)}`);
  }
}

/** Only where it holds more than what is temporary. */
async function dataFault(
  { DATA_DIR, S3_BUCKET, KAFKA_BROKERS }: Settings,
  makes: boolean,
): Promise<SettingFault | null> {
  if (S3_BUCKET !== null && KAFKA_BROKERS !== null) return null;
  try {
    await (makes ? tryWriting(DATA_DIR) : lookWritable(resolve(DATA_DIR)));
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { name: "DATA_DIR", message: `${DATA_DIR} cannot be written: ${messageOf(error)}` };
  }
}

/** Of a folder that is not there, the nearest above it that is must let it be made. */
async function lookWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (systemCode(error) !== "ENOENT" || dirname(folder) === folder) throw error;
    await lookWritable(dirname(folder));
  }
}

/** Secrets that can never verify anything. */
export function secretFaults(settings: Settings, sources: Sources): SettingFault[] {
  return Object.entries(settings.webhook_secrets).flatMap(([name, secrets]) => {
    const faults = secrets.map(({ secret }) => sources.hook(name)?.secretFault(secret) ?? null);
    return faults.filter((fault) => fault !== null).map((fault) => ({
      name: secretName(name),
      message: fault,
    }));
  });
}

const LONG_ENOUGH = 16;

/** Settings with a token that is soon guessed. */
export function shortTokens({ API_TOKEN, READ_TOKEN, ingest_tokens }: Settings): string[] {
  const tokens = {
    API_TOKEN: [API_TOKEN],
    READ_TOKEN: [READ_TOKEN],
    INGEST_TOKENS: Object.keys(ingest_tokens),
  };
  return Object.entries(tokens)
    .filter(([, values]) => values.some((one) => one !== null && one.length < LONG_ENOUGH))
    .map(([name]) => name);
}

/** Names of senders that have a secret and are none: most often a slip of the pen. */
export function unknownSenders(settings: Settings, sources: Sources): string[] {
  return Object.keys(settings.webhook_secrets).filter((name) => sources.hook(name) === null).map(secretName);
}

/** All faults in one message, as every refusal to start says them. */
export function faultText(faults: readonly SettingFault[]): string {
  const lines = faults.map(({ name, message }) => `  ${name} ${message}`);
  return ["Cannot start: these settings are wrong", ...lines].join("\n");
}

export function settingsFault(faults: readonly SettingFault[]): Fault {
  return new Fault("settings", faultText(faults), { blame: "sender", retry: "never" });
}
