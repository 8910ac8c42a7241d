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

/** Every sender that comes with the program. */
export const SENDERS: readonly Source[] = [stripe, revolut, github, shopify, standardWebhooks, cloudEvents];

export interface DedupDefaults {
  dedup_webhook_ms: number;
  dedup_token_ms: number;
}

export interface Sources {
  /** Every sender, those of the file too. */
  readonly senders: readonly Source[];
  /** Origins that the CloudEvents handshake allows. */
  readonly origins: readonly string[];
  /** The sender behind `/hooks/<name>`, or null when there is none that signs. */
  hook(name: string): Source | null;
  /** The source of a record: a sender, or else a token's. */
  of(name: string): Source;
  /** How long the ids of a source are remembered. */
  dedupWindowMs(name: string, defaults: DedupDefaults): number;
  /** Replaces what this source must not show; null when it lists nothing. */
  redactor(name: string): Redactor | null;
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
    senders: SENDERS.filter((source) => source !== cloudEvents).map((source) => source.name),
    kinds: [...kinds.keys(), ANY_EVENT],
    can_redact: redact_key !== null,
  });
  const senders = new Map(sendersOf(entries).map((source) => [source.name, source]));
  const tokens = new Map([[KAFKA_SOURCE, tokenSource(KAFKA_SOURCE, entries[KAFKA_SOURCE]?.kind)]]);
  const redactors = redactorsOf(entries, redact_key);
  const of = (name: string) => senders.get(name) ?? remembered(tokens, name);
  return {
    senders: [...senders.values()],
    origins: entries[cloudEvents.name]?.origins ?? [],
    hook: (name) => name === cloudEvents.name ? null : senders.get(name) ?? null,
    of,
    dedupWindowMs(name, { dedup_webhook_ms, dedup_token_ms }) {
      const window_ms = Object.hasOwn(entries, name) ? entries[name].dedup_window : undefined;
      return window_ms ?? (of(name).trust === "webhook" ? dedup_webhook_ms : dedup_token_ms);
    },
    redactor: (name) => redactors.get(name) ?? null,
  };
}

function sendersOf(entries: SourceEntries): Source[] {
  const alike = Object.entries(entries).flatMap(([name, { like }]) => {
    const model = SENDERS.find((source) => source.name === like);
    return model === undefined ? [] : [{ ...model, name }];
  });
  return [...SENDERS, ...alike];
}

function redactorsOf(entries: SourceEntries, redact_key: string | null): ReadonlyMap<string, Redactor> {
  const redactors = new Map<string, Redactor>();
  for (const [name, { redact }] of Object.entries(entries)) {
    if (redact !== undefined && redact_key !== null) redactors.set(name, createRedactor(redact, redact_key));
  }
  return redactors;
}

/** Names of tokens are few, but a record of another program may carry any. */
const MAX_TOKENS = 1000;

function remembered(tokens: Map<string, Source>, name: string): Source {
  const known = tokens.get(name);
  if (known !== undefined) return known;
  const source = tokenSource(name);
  if (tokens.size < MAX_TOKENS) tokens.set(name, source);
  return source;
}
