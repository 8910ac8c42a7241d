/** The one list of senders, and what `config/sources.yaml` says of each. */
import { KAFKA_SOURCE } from "../event/judge.ts";
import type { Source } from "./source.ts";
import { stripe } from "./stripe.ts";
import { tokenSource } from "./token.ts";

/** Every sender that comes with the program. */
export const SENDERS: readonly Source[] = [stripe];

export interface Sources {
  /** The sender behind `/hooks/<name>`, or null. */
  hook(name: string): Source | null;
  /** The source of a record: a sender, or else a token's. */
  of(name: string): Source;
  /** How long the ids of a source are remembered. */
  dedupWindowMs(name: string, defaults: DedupDefaults): number;
}

export interface DedupDefaults {
  dedup_webhook_ms: number;
  dedup_token_ms: number;
}

export function createSources(): Sources {
  const senders = new Map(SENDERS.map((source) => [source.name, source]));
  const tokens = new Map<string, Source>([[KAFKA_SOURCE, tokenSource(KAFKA_SOURCE)]]);
  const of = (name: string): Source => {
    const known = senders.get(name) ?? tokens.get(name);
    return known ?? tokenSource(name);
  };
  return {
    hook: (name) => senders.get(name) ?? null,
    of,
    dedupWindowMs(name, { dedup_webhook_ms, dedup_token_ms }) {
      return of(name).trust === "webhook" ? dedup_webhook_ms : dedup_token_ms;
    },
  };
}
