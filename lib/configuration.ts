/** The files of `CONFIG_DIR` as the program uses them: senders, kinds, rules, windows. A bad file is refused whole. */
import { hash } from "node:crypto";
import type { Settings } from "./config.ts";
import { Fault, messageOf } from "./errors.ts";
import { type Kinds, kindsOf } from "./event/kinds.ts";
import { readKindsFile } from "./event/kinds_file.ts";
import { createSources, type Sources } from "./source/sources.ts";
import { readRuleFile } from "./stream/rule_definition.ts";
import { readWindowFile, type WindowDefinition } from "./stream/window_definition.ts";

/** A file that becomes a control record: its parsed body, and the hash by which an edit is noticed. */
export interface ControlFile {
  /** What stands in the record, as JSON. */
  body: Readonly<Record<string, unknown>>;
  version: string;
  file_hash: string;
}

export interface Configuration {
  kinds: Kinds;
  sources: Sources;
  windows: readonly WindowDefinition[];
  rules: ControlFile;
  settings: ControlFile;
  /** Differs when any file does. */
  version: string;
  kinds_version: string;
}

/** What of the settings changes results: in force until the log's first `settings` record, which carries the same. */
export function resultSettings(settings: Settings) {
  return {
    out_of_orderness_ms: settings.OUT_OF_ORDERNESS_MS,
    allowed_lateness_ms: settings.ALLOWED_LATENESS_MS,
    dedup_token_ms: settings.DEDUP_TOKEN_MS,
    dedup_webhook_ms: settings.DEDUP_WEBHOOK_MS,
    dedup_max_ids: settings.DEDUP_MAX_IDS,
  };
}

/** Reads and checks all files; a fault in any of them is refused with its line and reason. A missing file is empty. */
export async function loadConfiguration(settings: Settings): Promise<Configuration> {
  const read = (name: string) => configText(`${settings.CONFIG_DIR}/${name}`);
  const [kindsText, sourcesText, rulesText, windowsText] = await Promise.all(
    ["kinds.yaml", "sources.yaml", "rules.yaml", "windows.yaml"].map(read),
  );
  const kinds = kindsOf(readKindsFile(kindsText));
  const sources = createSources({ file: sourcesText, kinds, redact_key: settings.REDACT_KEY });
  refuseTokensOfSenders(settings, sources);
  const { windows, definitions } = readWindowFile(windowsText, kinds);
  const settingsBody = {
    ...resultSettings(settings),
    ...sources.on_log,
    windows,
  };
  const settingsVersion = digest(JSON.stringify(settingsBody));
  return {
    kinds,
    sources,
    windows: definitions,
    rules: rulesControl(rulesText, kinds),
    // What the environment says is part of it, so the text alone does not tell whether it changed.
    settings: { body: settingsBody, version: settingsVersion, file_hash: settingsVersion },
    version: digest(JSON.stringify([kindsText, sourcesText, rulesText, windowsText])),
    kinds_version: digest(kindsText),
  };
}

/** A source is a sender or a token's: as both it would be read as what it is not. */
function refuseTokensOfSenders({ ingest_tokens }: Settings, { senders }: Sources): void {
  const names = Object.values(ingest_tokens);
  const taken = senders.find(({ name }) => names.includes(name));
  if (!taken) return;
  const message =
    `Cannot use the name ${taken.name} in INGEST_TOKENS: sources.yaml has a sender of that name`;
  throw new Fault("name_taken", message, { blame: "us", retry: "never" });
}

/** Rules as they become a record; throws a Fault with every line at fault. */
export function rulesControl(text: string, kinds: Kinds): ControlFile {
  const { version, rules } = readRuleFile(text, kinds);
  return { body: { version, rules }, version, file_hash: digest(text) };
}

function digest(text: string): string {
  return hash("sha256", text, "hex").slice(0, 32);
}

/** The text of a file of `CONFIG_DIR`; empty when there is none. */
export async function configText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new Fault("config_unreadable", `Cannot read ${path}: ${messageOf(error)}`, {
      blame: "us",
      retry: "never",
    });
  }
}
