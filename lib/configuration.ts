/** The files of `CONFIG_DIR` as the program uses them: senders, kinds, rules, windows. A bad file is refused whole. */
import { hash } from "node:crypto";
import type { Settings } from "./config.ts";
import { Fault, messageOf } from "./errors.ts";
import type { AddedTo } from "./event/column_change.ts";
import type { Kind } from "./event/kind.ts";
import { type Kinds, kindsOf } from "./event/kinds.ts";
import { readKindsFile } from "./event/kinds_file.ts";
import { createSources, type Sources } from "./source/sources.ts";
import { saysNothing } from "./stream/definition_file.ts";
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
  /** With the columns that were added to their tables, where the files name such. */
  kinds: Kinds;
  sources: Sources;
  windows: readonly WindowDefinition[];
  rules: ControlFile;
  settings: ControlFile;
  /** A digest of each file's text, by its name. */
  files: Readonly<Record<FileName, string>>;
  /** Files that are there and say nothing: what was in force by them is not any more. */
  empty: readonly FileName[];
  /** Differs when any file does. */
  version: string;
}

/** What is read at the start and followed afterwards. */
const FILES = ["kinds.yaml", "sources.yaml", "rules.yaml", "windows.yaml"] as const;
export type FileName = typeof FILES[number];

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

/** For whom rules and windows do not matter. */
export const ANY_ADDED: AddedTo = (kinds) => Promise.resolve(kinds.map(() => "any"));
const NONE_ADDED: AddedTo = (kinds) => Promise.resolve(kinds.map(() => []));

export interface LoadOptions {
  /** Without it rules and windows may name the fields of the kinds alone. */
  added?: AddedTo;
  /** Is the answer while no file was edited. */
  last?: Configuration;
}

/**
 * Reads and checks all files; throws a Fault that says of every bad one what is wrong with it, and on which line. Kinds
 * come first, by which the others are read. A file that is not there names nothing.
 */
export async function loadConfiguration(
  settings: Settings,
  { added = NONE_ADDED, last }: LoadOptions = {},
): Promise<Configuration> {
  const texts = await Promise.all(FILES.map((name) => configText(`${settings.CONFIG_DIR}/${name}`)));
  const version = digest(JSON.stringify(texts));
  if (version === last?.version) return last;
  const [kindsText, sourcesText, rulesText, windowsText] = texts;
  const kinds = await kindsFor(kindsOf(readKindsFile(kindsText)), added, (kinds) => {
    readRuleFile(rulesText, kinds);
    readWindowFile(windowsText, kinds);
  });
  const faults: Fault[] = [];
  const sources = readOr(faults, () => sourcesOf(sourcesText, kinds, settings));
  const rules = readOr(faults, () => rulesControl(rulesText, kinds));
  const read = readOr(faults, () => readWindowFile(windowsText, kinds));
  if (!sources || !rules || !read) throw together(faults);
  const { windows, definitions } = read;
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
    rules,
    // What the environment says is part of it, so the text alone does not tell whether it changed.
    settings: { body: settingsBody, version: settingsVersion, file_hash: settingsVersion },
    files: {
      "kinds.yaml": digest(kindsText),
      "sources.yaml": digest(sourcesText),
      "rules.yaml": digest(rulesText),
      "windows.yaml": digest(windowsText),
    },
    empty: FILES.filter((_, i) => texts[i] !== null && saysNothing(texts[i])),
    version,
  };
}

/**
 * The kinds for whom `check` throws no Fault: as they are declared, or with the columns that were added to their tables. The
 * tables are asked only where the declared ones do not do: most files name nothing else, and need no store to be read.
 */
export async function kindsFor(kinds: Kinds, added: AddedTo, check: (kinds: Kinds) => void): Promise<Kinds> {
  const declared = [...kinds.values()].map((kind): Kind => ({ ...kind, added: undefined }));
  if (passes(check, byName(declared))) return byName(declared);
  const columns = await added(declared);
  return byName(declared.map((kind, i) => ({ ...kind, added: columns[i] })));
}

/** What `read` makes of a text by those kinds; throws the Fault that it throws with all columns that were added, too. */
export async function readWithAdded<T>(kinds: Kinds, added: AddedTo, read: (kinds: Kinds) => T): Promise<T> {
  return read(await kindsFor(kinds, added, read));
}

function passes(check: (kinds: Kinds) => void, kinds: Kinds): boolean {
  try {
    check(kinds);
    return true;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

function byName(kinds: readonly Kind[]): Kinds {
  return new Map(kinds.map((kind) => [kind.name, kind]));
}

/** What `read` gives; null when the file is bad, and then the Fault is among `faults`. */
function readOr<T>(faults: Fault[], read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    faults.push(error);
    return null;
  }
}

/** One Fault that says what all of them say. */
function together(faults: readonly Fault[]): Fault {
  const [first, ...others] = faults;
  if (others.length === 0) return first;
  return new Fault(first.code, faults.map(messageOf).join(". "), {
    blame: first.blame,
    retry: first.retry,
    fields: faults.flatMap(({ fields }) => fields),
  });
}

function sourcesOf(text: string | null, kinds: Kinds, settings: Settings): Sources {
  const sources = createSources({ file: text, kinds, redact_key: settings.REDACT_KEY });
  refuseTokensOfSenders(settings, sources);
  return sources;
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

/** Rules as they become a record, of null when there is no file; throws a Fault with every line at fault. */
export function rulesControl(text: string | null, kinds: Kinds): ControlFile {
  const { version, rules } = readRuleFile(text, kinds);
  return { body: { version, rules }, version, file_hash: digest(text) };
}

/** No file is like an empty one: logs remember the hash of the file that was taken over last. */
function digest(text: string | null): string {
  return hash("sha256", text ?? "", "hex").slice(0, 32);
}

/** The text of a file of `CONFIG_DIR`; null when there is none. */
export async function configText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new Fault("config_unreadable", `Cannot read ${path}: ${messageOf(error)}`, {
      blame: "us",
      retry: "never",
    });
  }
}
