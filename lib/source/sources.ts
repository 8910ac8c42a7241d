/** The one list of senders, and what `config/sources.yaml` adds to it. */
import { KAFKA_SOURCE } from "../event/judge.ts";
import { ANY_EVENT, type Kinds, kindsOf } from "../event/kinds.ts";
import { cloudEvents } from "./cloud_events.ts";
import { github } from "./github.ts";
import { createRedactor, type Redactor } from "./redact.ts";
import { revolut } from "./revolut.ts";
import { shopify } from "./shopify.ts";
import type { Source } from "./source.ts";
import { readSourcesFile, type SourceEntries } from "./sources_file.ts";
import { standardWebhooks } from "./standard_webhooks.ts";
import { stripe } from "./stripe.ts";
import { tokenSource } from "./token.ts";

/** The senders that come with the program and sign what they send. */
export const SIGNING: readonly Source[] = [stripe, revolut, github, shopify, standardWebhooks];
/** Every sender that comes with the program. */
export const SENDERS: readonly Source[] = [...SIGNING, cloudEvents];

export interface DedupSettings {
  dedup_webhook_ms: number;
  dedup_token_ms: number;
  /** Of sources that the file gives a window of their own. */
  dedup_windows?: Readonly<Record<string, number>>;
}

export interface Sources {
  /** Every sender, those of the file too. */
  readonly senders: readonly Source[];
  /** Those among them that sign: `hook` knows them. */
  readonly signing: readonly Source[];
  /** Origins that the CloudEvents handshake allows. */
  readonly origins: readonly string[];
  /** The sender behind `/hooks/<name>`, or null when there is none that signs. */
  hook(name: string): Source | null;
  /** The source of a record: a sender, one that is like a sender, or else a token's. */
  of(name: string, like?: string): Source;
  /** Replaces what this source must not show; null when it lists nothing. */
  redactor(name: string): Redactor | null;
  /** What of the file changes results, and therefore stands on the log. */
  readonly on_log: { dedup_windows: Readonly<Record<string, number>>; kafka_kind: string | null };
}

export interface SourcesParts {
  /** The text of `sources.yaml`; null when there is none. */
  file: string | null;
  kinds: Kinds;
  redact_key: string | null;
}

/** Throws a Fault with every line at fault when the file is wrong. */
export function createSources(
  { file, kinds, redact_key }: SourcesParts = { file: null, kinds: kindsOf(), redact_key: null },
): Sources {
  const entries = file === null ? {} : readSourcesFile(file, {
    senders: SIGNING.map((source) => source.name),
    kinds: [...kinds.keys(), ANY_EVENT],
    can_redact: redact_key !== null,
  });
  const senders = new Map(sendersOf(entries).map((source) => [source.name, source]));
  const others = new Map<string, Source>();
  const redactors = redactorsOf(entries, redact_key);
  return {
    senders: [...senders.values()],
    signing: [...senders.values()].filter((source) => source !== cloudEvents),
    origins: entries[cloudEvents.name]?.origins ?? [],
    hook: (name) => name === cloudEvents.name ? null : senders.get(name) ?? null,
    of: (name, like) => senders.get(name) ?? remembered(others, name, like),
    redactor: (name) => redactors.get(name) ?? null,
    on_log: { dedup_windows: windowsOf(entries), kafka_kind: entries[KAFKA_SOURCE]?.kind ?? null },
  };
}

/** How long the ids of a source are remembered. */
export function dedupWindowMs(
  { name, trust }: Pick<Source, "name" | "trust">,
  settings: DedupSettings,
): number {
  const { dedup_windows = {}, dedup_webhook_ms, dedup_token_ms } = settings;
  if (Object.hasOwn(dedup_windows, name)) return dedup_windows[name];
  return trust === "webhook" ? dedup_webhook_ms : dedup_token_ms;
}

function windowsOf(entries: SourceEntries): Record<string, number> {
  const windows = Object.entries(entries).flatMap(([name, { dedup_window }]): [string, number][] =>
    dedup_window === undefined ? [] : [[name, dedup_window]]
  );
  return Object.fromEntries(windows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sendersOf(entries: SourceEntries): Source[] {
  return [...SENDERS, ...Object.entries(entries).flatMap(([name, { like }]) => alike(name, like) ?? [])];
}

function alike(name: string, like: string | undefined): Source | null {
  const model = like === undefined ? undefined : SENDERS.find((source) => source.name === like);
  return model === undefined ? null : { ...model, name, like };
}

function redactorsOf(entries: SourceEntries, redact_key: string | null): ReadonlyMap<string, Redactor> {
  const redactors = new Map<string, Redactor>();
  for (const [name, { redact }] of Object.entries(entries)) {
    if (redact !== undefined && redact_key !== null) redactors.set(name, createRedactor(redact, redact_key));
  }
  return redactors;
}

/** Names of tokens are few, but a record of another program may carry any. */
const MAX_REMEMBERED = 1000;

function remembered(others: Map<string, Source>, name: string, like: string | undefined): Source {
  const key = like === undefined ? name : `${name}\u0000${like}`;
  const known = others.get(key);
  if (known !== undefined) return known;
  const source = alike(name, like) ?? tokenSource(name);
  if (others.size < MAX_REMEMBERED) others.set(key, source);
  return source;
}
