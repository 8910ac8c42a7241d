/** What both doors, hooks and ingest, do alike: bound the request, append its records, count and answer. */
import type { Context } from "hono";
import type { Clock } from "../lib/clock.ts";
import type { Settings } from "../lib/config.ts";
import { Fault, messageOf } from "../lib/errors.ts";
import type { Kinds } from "../lib/event/kinds.ts";
import type { EventLog, NewRecord } from "../lib/log/log.ts";
import type { LogLine } from "../lib/observe/log_line.ts";
import type { LastTrouble } from "../lib/observe/last_trouble.ts";
import type { Histogram, Metrics } from "../lib/observe/metrics.ts";
import { SeldomWarning } from "../lib/observe/seldom_warning.ts";
import type { Scrub } from "../lib/observe/scrub.ts";
import type { Sources } from "../lib/source/sources.ts";
import { AcceptedCounts } from "./accepted_counts.ts";
import { readBody } from "./body.ts";
import { clientAddress, type Connection } from "./client_address.ts";
import { Deadlines } from "./deadlines.ts";
import { Gate, type GateSettings } from "./gate.ts";
import { BytesInFlight, RateLimit } from "./limits.ts";
import { type Problem, problem, problemOf } from "./problem.ts";
import { REQUEST_ID } from "./request_id.ts";

/** Where the request came from, as `Deno.serve` hands it to the application. */
export type Env = { Bindings: Connection };

export interface DoorDeps {
  clock: Clock;
  settings:
    & GateSettings
    & Pick<
      Settings,
      | "CONFIG_DIR"
      | "MAX_BODY_BYTES"
      | "BODY_TIMEOUT_MS"
      | "HOOK_RATE_PER_SECOND"
      | "INGEST_RATE_PER_SECOND"
      | "RATE_LIMIT_PER_SECOND"
      | "TRUST_PROXY"
      | "webhook_secrets"
    >;
  log: Pick<EventLog, "append">;
  /** Hears how the appends end, for who asks about our health. */
  appends: Pick<LastTrouble, "failed" | "succeeded">;
  /** Of the events topic. */
  partitions: number;
  /** The sources in force; `sources.yaml` may change while we run. */
  sources(): Pick<Sources, "hook" | "of" | "origins" | "redactor">;
  kinds(): Kinds;
  metrics: Metrics;
  lines: LogLine;
  scrub: Scrub;
}

const APPEND_FAILED = "append failed";
const NO_TOKEN = { detail: "The token is missing or wrong.", close: true };
/**
 * Wrong ones from one address: a client that asks for many things with an old token is told 401. A right one is never
 * counted.
 */
const WRONG_TOKENS_PER_SECOND = 500;
const MAX_BYTES_IN_FLIGHT = 256 * 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

export class Door {
  readonly gate: Gate;
  readonly deadlines: Deadlines;
  readonly in_flight = new BytesInFlight(MAX_BYTES_IN_FLIGHT);
  readonly hookRate: RateLimit;
  readonly ingestRate: RateLimit;
  /** Unverified requests, by client address. */
  readonly strangerRate: RateLimit;
  readonly #wrongTokens: RateLimit;
  readonly accepted: AcceptedCounts;
  readonly #append: Histogram;
  readonly #appendFailed: SeldomWarning;

  constructor(readonly deps: DoorDeps) {
    const { settings, clock } = deps;
    const rate = (each: number) => settings.RATE_LIMIT_PER_SECOND ?? each;
    this.gate = new Gate(settings);
    this.deadlines = new Deadlines(settings.BODY_TIMEOUT_MS, clock);
    this.hookRate = new RateLimit({ rate_per_second: rate(settings.HOOK_RATE_PER_SECOND), clock });
    this.ingestRate = new RateLimit({ rate_per_second: rate(settings.INGEST_RATE_PER_SECOND), clock });
    this.strangerRate = new RateLimit({ rate_per_second: rate(settings.HOOK_RATE_PER_SECOND), clock });
    this.#wrongTokens = new RateLimit({ rate_per_second: WRONG_TOKENS_PER_SECOND, clock });
    this.accepted = new AcceptedCounts(deps);
    this.#appendFailed = new SeldomWarning(APPEND_FAILED, { line: deps.lines, clock });
    this.#append = deps.metrics.histogram("append_seconds", {});
  }

  /** Appends and returns null, or the answer when nothing durable could be written. */
  async append(source: string, records: readonly NewRecord[], requestId: string): Promise<Response | null> {
    if (records.length === 0) return null;
    const started = performance.now();
    try {
      await this.deps.log.append("events", records);
    } catch (error) {
      const reason = messageOf(error);
      const isDependency = error instanceof Fault && error.blame === "dependency";
      if (!(error instanceof Fault) || error.blame !== "sender") this.deps.appends.failed(reason);
      const facts = { source, records: records.length, reason, request_id: requestId };
      if (isDependency) this.#appendFailed.warn(error.code, facts);
      else this.deps.lines.warn(APPEND_FAILED, facts);
      return problemOf(error, this.deps.scrub);
    }
    this.deps.appends.succeeded();
    this.#append.observe((performance.now() - started) / 1000);
    this.accepted.add(source, records);
    return null;
  }

  /** 401 for who proved nothing, or 429 when too many such came from the address. */
  refuseStranger(c: Context<Env>, refusal: Omit<Problem, "status">): Response {
    return this.#tooManyOf(this.strangerRate, c) ?? problem({ status: 401, ...refusal });
  }

  /** 429 when too many wrong tokens came from the address. Who has a right one never comes here, whoever guesses beside. */
  tooManyWrongTokens(c: Context<Env>): Response | null {
    return c.req.raw.headers.has("authorization") ? this.#tooManyOf(this.#wrongTokens, c) : null;
  }

  #tooManyOf(rate: RateLimit, c: Context<Env>): Response | null {
    const wait_s = rate.take(clientAddress(c.req.raw.headers, c.env, this.deps.settings.TRUST_PROXY));
    return wait_s > 0 ? tooMany(wait_s) : null;
  }

  /**
   * Bounds a request in headers, rate, bytes and time, and answers with what `use` makes of its body. The body's
   * memory counts as taken until then.
   */
  async receive(
    c: Context<Env>,
    bounds: { rate: RateLimit; key: string; max_bytes: number },
    use: (body: Uint8Array) => Promise<Response>,
  ): Promise<Response> {
    const request = c.req.raw;
    const early = headersTooLarge(request.headers);
    if (early) return early;
    const wait_s = bounds.rate.wait(bounds.key);
    if (wait_s > 0) return tooMany(wait_s);
    const { deadlines, in_flight } = this;
    const reading = await readBody(request, c.env, { max_bytes: bounds.max_bytes, deadlines, in_flight });
    if (reading.refused) return reading.refused;
    try {
      return await use(reading.bytes);
    } finally {
      reading.release();
    }
  }

  /** The source of an ingest request, or why it may not come in. */
  admit(c: Context<Env>): string | Response {
    const astray = this.gate.misdirected(c.req.raw);
    if (astray) return astray;
    const source = this.gate.ingestSource(c.req.raw.headers);
    return source ?? this.tooManyWrongTokens(c) ?? this.refuseStranger(c, NO_TOKEN);
  }

  /** Counts and names an answer that refuses; every one of the doors' passes here. */
  refuse(answer: Response, source: string, requestId: string): Response {
    const status = String(answer.status);
    this.deps.metrics.counter("requests_rejected_total", { source, status }).add();
    answer.headers.set(REQUEST_ID, requestId);
    return answer;
  }
}

export function tooMany(wait_s: number): Response {
  return problem({
    status: 429,
    detail: "Too many requests; the header Retry-After says when to come again.",
    retry_after_s: wait_s,
    close: true,
  });
}

/** 431 when all header fields together are larger than 16 kB. */
export function headersTooLarge(headers: Headers): Response | null {
  let bytes = 0;
  // Cheaper than an iterator: this stands on the hot path.
  headers.forEach((value, name) => bytes += name.length + value.length + 4);
  return bytes <= MAX_HEADER_BYTES ? null : problem({
    status: 431,
    detail: `The header fields are larger than ${MAX_HEADER_BYTES} bytes.`,
    close: true,
  });
}

/** What a door counts requests under whose source is not known. */
export const STRANGER = "unknown";

/** 202 with a JSON body. Its headers are given at once: setting one later costs as much as all of them. */
export function accepted(body: string, requestId: string): Response {
  const headers = { "content-type": "application/json", [REQUEST_ID]: requestId };
  return new Response(body, { status: 202, headers });
}
