/**
 * The folder of `main.ts dev`: its secrets, made once and readable by their owner only, and where its server listens, so
 * that `main.ts hook` in another terminal finds both.
 */
import { z } from "zod";
import type { Settings } from "../lib/config.ts";
import type { WebhookSecret } from "../lib/setting_parts.ts";
import { SIGNING } from "../lib/source/sources.ts";
import { isLakeFolder } from "./lake_place.ts";

export const DEV_FOLDER = "./data/dev";

const SECRETS = "secrets.env";
/** Marks a folder as one that `reset` may empty. */
const MARK = "dev.json";
const OWNER_ONLY = 0o600;
const KEY_BYTES = 24;

/** `dev` keeps its data apart unless told otherwise. */
export function devFolder(settings: Settings, given: ReadonlySet<string>): string {
  return given.has("DATA_DIR") ? settings.DATA_DIR : DEV_FOLDER;
}

/** The settings with the folder of `dev` where nobody said which lake is meant and there is no other. */
export async function withLakeOfDev(settings: Settings, given: ReadonlySet<string>): Promise<Settings> {
  if (given.has("DATA_DIR") || settings.S3_BUCKET !== null || settings.KAFKA_BROKERS !== null) {
    return settings;
  }
  const [own, ofDev] = await Promise.all([settings.DATA_DIR, DEV_FOLDER].map(isLakeFolder));
  return own || !ofDev ? settings : { ...settings, DATA_DIR: DEV_FOLDER };
}

/** What the folder's secrets are, by the names that the environment uses; made where they are missing. */
export async function devSecrets(folder: string): Promise<Record<string, string>> {
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/${SECRETS}`;
  const known = await readSecrets(folder);
  const wanted = [
    ...SIGNING.map(({ name }) => secretName(name)),
    "ALERT_WEBHOOK_SECRET",
    "API_TOKEN",
    "INGEST_TOKEN",
  ];
  const missing = wanted.filter((name) => known[name] === undefined);
  if (missing.length === 0) return known;
  for (const name of missing) known[name] = name.endsWith("_SECRET") ? `whsec_${randomText()}` : token();
  const text = Object.entries(known).map(([name, value]) => `${name}=${value}\n`).join("");
  await Deno.writeTextFile(path, text, { mode: OWNER_ONLY });
  await Deno.chmod(path, OWNER_ONLY);
  return known;
}

/** The secrets of a folder, none when it has no file of them. */
export async function readSecrets(folder: string): Promise<Record<string, string>> {
  const text = await textOf(`${folder}/${SECRETS}`);
  const lines = (text ?? "").split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
}

export function secretName(source: string): string {
  return `${source.toUpperCase()}_WEBHOOK_SECRET`;
}

/** The settings with the folder's secrets where the environment gives none. */
export function withSecrets(settings: Settings, secrets: Readonly<Record<string, string>>): Settings {
  const own = Object.fromEntries(SIGNING.map(({ name }): [string, WebhookSecret[]] => [
    name,
    [{ secret: secrets[secretName(name)], until_ms: null }],
  ]));
  return {
    ...settings,
    webhook_secrets: { ...own, ...settings.webhook_secrets },
    ALERT_WEBHOOK_SECRET: settings.ALERT_WEBHOOK_SECRET ?? secrets.ALERT_WEBHOOK_SECRET,
  };
}

const Mark = z.object({ url: z.string().nullable() });

/** The address of the folder's server as it was last known; null when it has none, or is no folder of `dev`. */
export async function devUrl(folder: string): Promise<string | null> {
  return (await readMark(folder))?.url ?? null;
}

const ANSWER_MS = 1000;

/** Whether somebody listens at an address; whatever fails means no. */
export async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/livez`, { signal: AbortSignal.timeout(ANSWER_MS) })
    .then(async (answer) => {
      await answer.body?.cancel();
      return true;
    }, () => false);
}

export async function isDevFolder(folder: string): Promise<boolean> {
  return await readMark(folder) !== null;
}

export async function writeMark(folder: string, url: string | null): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/${MARK}`, JSON.stringify({ url }));
}

async function readMark(folder: string): Promise<z.infer<typeof Mark> | null> {
  const text = await textOf(`${folder}/${MARK}`);
  if (text === null) return null;
  // A mark that was cut short by a crash still marks.
  try {
    return Mark.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return { url: null };
    throw error;
  }
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function randomText(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(KEY_BYTES))));
}

function token(): string {
  return randomText().replace(/[^a-zA-Z0-9]/g, "x");
}
