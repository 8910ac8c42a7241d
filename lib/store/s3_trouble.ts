/**
 * What a failed call to S3 means: whether to try again, and whether it may have had its effect all the same.
 *
 *   no connection             nothing happened            again
 *   4xx                       nothing happened            again only for those that are about this one request
 *   5xx, timeout, cut, noise  nobody knows what happened  again, with identical bytes
 */
import { Fault, messageOf, type Retry } from "../errors.ts";

export interface Trouble {
  /** Of the Fault that it becomes when nobody knows better. */
  code: string;
  state: string;
  again: boolean;
  /** "unknown": a write may have been done. */
  effect: "none" | "unknown";
  retry: Retry;
  cause: unknown;
}

/** An answer that says yes and cannot be believed: cut short, wrong checksum, an error inside a 200. */
export class BrokenAnswer extends Error {
  override name = "BrokenAnswer";
}

const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** Refusals of one request as it arrived, not of what it asks for. */
const DAMAGED_ON_THE_WAY = new Set([
  "BadDigest",
  "IncompleteBody",
  "InvalidPart",
  "MalformedXML",
  "RequestTimeout",
  "RequestTimeTooSkewed",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
]);

/** Status and name of S3's answer; null for what is no answer. */
export function answerOf(error: unknown): { status: number; name: string } | null {
  if (!(error instanceof Error) || !("$metadata" in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return null;
  return typeof metadata.httpStatusCode === "number"
    ? { status: metadata.httpStatusCode, name: error.name }
    : null;
}

/** Reads what an attempt threw. What is no trouble with S3 (a bug, a Fault of ours) is thrown on. */
export function troubleOf(error: unknown): Trouble {
  const answer = answerOf(error);
  if (answer && answer.status >= 300) return ofAnswer(answer.status, answer.name, error);
  if (error instanceof BrokenAnswer) return ofNoise(error.message, error);
  if (!(error instanceof Error) || error instanceof Fault) throw error;
  if (error.name === "CredentialsProviderError") return refused("no credentials were found", error);
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  if (code !== null && NOT_CONNECTED.has(code)) {
    // The system's own words say where to.
    return { ...ofNoise(`no connection (${error.message})`, error), effect: "none" };
  }
  if (error.name === "NotCapable") throw error;
  // With a response in hand the SDK stumbled over what the server sent, else over what we did.
  const isOurs = error instanceof TypeError || error instanceof RangeError;
  if (isOurs && code === null && !("$response" in error)) throw error;
  return ofNoise(code ?? error.message, error);
}

function ofAnswer(status: number, name: string, error: unknown): Trouble {
  const about = `the server answered ${status} ${name}`;
  const nothing = { state: about, again: false, effect: "none", retry: "never", cause: error } as const;
  if (status === 412) return { ...nothing, code: "store_taken" };
  if (status === 416) return { ...nothing, code: "store_range" };
  // It is made before the next attempt.
  if (name === "NoSuchBucket") {
    return { ...nothing, code: "store_no_bucket", again: true, retry: "after_backoff" };
  }
  if (name === "NoSuchUpload") return { ...nothing, code: "store_no_upload", retry: "after_backoff" };
  if (status === 404) return { ...nothing, code: "store_missing" };
  if (status === 409 || status === 429 || DAMAGED_ON_THE_WAY.has(name)) {
    return { ...nothing, code: "store_unavailable", again: true, retry: "after_backoff" };
  }
  if (name === "ExpiredToken") return { ...refused(about, error), again: true, retry: "after_backoff" };
  if (status === 401 || status === 403) return refused(about, error);
  if (status >= 500 && status !== 501) return ofNoise(about, error);
  return { ...nothing, code: "store_refused" };
}

function ofNoise(state: string, cause: unknown): Trouble {
  const code = "store_unavailable";
  return { code, state, again: true, effect: "unknown", retry: "after_backoff", cause };
}

function refused(state: string, cause: unknown): Trouble {
  return { code: "store_forbidden", state, again: false, effect: "none", retry: "never", cause };
}

/** The cause is cut down to its text: the SDK's errors carry requests, and requests carry signatures. */
export function faultOf(trouble: Trouble, what: string): Fault {
  const cause = new Error(messageOf(trouble.cause));
  if (trouble.cause instanceof Error) cause.name = trouble.cause.name;
  return new Fault(trouble.code, `Cannot ${what}: ${trouble.state}`, {
    blame: "dependency",
    retry: trouble.retry,
    cause,
  });
}
