/** A correctly signed request as a sender would make it, for trying a running server out. */
import type { Source } from "./source.ts";

export interface SampleOptions {
  /** Null for sources that sign nothing. */
  secret: string | null;
  now_ms: number;
  /** Letters and digits that no other sample has. */
  id: string;
  /** Sent instead of the sender's own sample. */
  body?: Uint8Array;
}

export interface SignedSample {
  headers: Record<string, string>;
  body: Uint8Array;
}

/** Null when the source signs and the secret cannot be used for it. */
export function sampleRequest(
  source: Source,
  { secret, now_ms, id, body }: SampleOptions,
): SignedSample | null {
  const sample = source.sample(id, now_ms);
  const bytes = body ?? new TextEncoder().encode(JSON.stringify(sample.body));
  const proof = secret === null ? {} : source.sign(bytes, { secret, now_ms, id });
  return proof === null
    ? null
    : { headers: { "content-type": "application/json", ...sample.headers, ...proof }, body: bytes };
}
